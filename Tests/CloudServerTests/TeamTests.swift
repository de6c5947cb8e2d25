import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("Teams, as the operator makes and deletes them")
struct TeamTests {
    @Test("a team is made with its first key in one transaction, or not at all")
    func created() async throws {
        try await TestCloud.with { cloud in
            let made = try await CreateTeam(name: "payments").run(in: cloud.cloud)
            #expect(made.key.key.role == .owner)
            #expect(made.team.network.description == "10.0.8.0/22")
            let answer = try await cloud.send(.get, "/team", as: .raw("Bearer \(made.key.secret)"))
            #expect(answer.data?["name"]?.string == "payments")

            let error = await #expect(throws: CloudError.self) {
                try await CreateTeam(name: "other", keyName: "").run(in: cloud.cloud)
            }
            #expect(error?.problems.map(\.field) == ["name"])
            #expect(
                try await ReportTeams().run(in: cloud.cloud).map(\.team.name) == [
                    "payments", "strangers", "team",
                ])
        }
    }

    @Test("a name is checked, and held by one team at a time")
    func names() async throws {
        try await TestCloud.with { cloud in
            for (name, code) in [
                ("", ErrorCode.validationError), ("a\n", .validationError), ("team", .conflict),
            ] {
                let error = await #expect(throws: CloudError.self) {
                    try await CreateTeam(name: name).run(in: cloud.cloud)
                }
                #expect(error?.code == code)
            }
        }
    }

    @Test("a team with computes is not deleted, and the refusal names them")
    func computesLeft() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let team = try await ReportTeams().run(name: "team", in: cloud.cloud)
            #expect(team.computes == 1)
            let error = await #expect(throws: CloudError.self) {
                try await DeleteTeam(teamId: team.team.id).run(in: cloud.cloud)
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("my-server-01 (\(id))") == true)
            #expect(try await cloud.send(.get, "/team").status == 200)

            #expect(try await cloud.send(.delete, "/computes/\(id)").status == 202)
            try await cloud.settle()
            try await DeleteTeam(teamId: team.team.id).run(in: cloud.cloud)
            #expect(try await cloud.send(.get, "/team").status == 401)
        }
    }

    @Test("a deleted team keeps its rows; its keys are revoked, its name and network are free again")
    func deleted() async throws {
        try await TestCloud.with { cloud in
            let strangers = try await ReportTeams().run(name: "strangers", in: cloud.cloud).team
            try await DeleteTeam(teamId: strangers.id).run(in: cloud.cloud)
            #expect(try await cloud.send(.get, "/images", as: .stranger).status == 401)
            let error = await #expect(throws: CloudError.self) {
                try await DeleteTeam(teamId: strangers.id).run(in: cloud.cloud)
            }
            #expect(error?.code == .resourceNotFound)

            let again = try await CreateTeam(name: "strangers").run(in: cloud.cloud).team
            #expect(again.id != strangers.id)
            #expect(again.network == strangers.network)
            let kinds = try await cloud.cloud.database.read { sql in
                try sql.query("SELECT kind FROM events WHERE team_id = $1 ORDER BY id", [strangers.id]).map {
                    try $0.text("kind")
                }
            }
            #expect(kinds == ["team.created", "key.created", "key.revoked", "team.deleted"])
        }
    }

    @Test("a create that was let in before its team was deleted makes nothing")
    func createAfterDelete() async throws {
        try await TestCloud.with { cloud in
            let caller = try await Authenticate(authorization: "Bearer \(cloud.strangersKey)").run(
                in: cloud.cloud)
            try await DeleteTeam(teamId: caller.teamId).run(in: cloud.cloud)
            await #expect(throws: CloudError.self) {
                try await GetTeam(caller: caller).run(in: cloud.cloud)
            }
            let error = await #expect(throws: CloudError.self) {
                try await CreateCompute(
                    ComputeRequest(
                        hostName: "a", image: "TINY-1", region: "KGL-1", specification: "S-1C",
                        publicKeys: [TestCloud.publicKey]),
                    request: ChangeRequest(
                        endpoint: CreateCompute.endpoint, key: try IdempotencyKey(header: TestCloud.newKey()),
                        members: [:], caller: caller, requestId: "r"), answer: { _, _ in "" }
                ).run(in: cloud.cloud)
            }
            #expect(error?.code == .unauthorized)
        }
    }
}
