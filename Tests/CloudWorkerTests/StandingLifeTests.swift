import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("The standing of a team in time")
struct StandingLifeTests {
    /// A team whose wallet of one day's cost was used up by a compute.
    private func withDebtor(_ body: @escaping @Sendable (TestCloud) async throws -> Void) async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(131_496)
            _ = try await cloud.createAndSettle(TestCloud.smallest)
            cloud.advance(hours: 39)
            try await cloud.accountant.look()
            try await body(cloud)
        }
    }

    @Test("an empty wallet leads to PAST_DUE, SUSPENDED and TERMINATED, each in its time")
    func wholeWay() async throws {
        try await withDebtor { cloud in
            #expect(try await standing(cloud) == "PAST_DUE")
            #expect(try await cloud.create().code == "TEAM_PAST_DUE")
            #expect(try await intent(cloud) == .running)

            cloud.advance(hours: 24)
            try await cloud.accountant.look()
            #expect(try await standing(cloud) == "SUSPENDED")
            #expect(try await cloud.create().code == "TEAM_SUSPENDED")
            #expect(try await intent(cloud) == .stopped)

            cloud.advance(hours: 47)
            try await cloud.accountant.look()
            #expect(try await standing(cloud) == "SUSPENDED")
            cloud.advance(hours: 1)
            try await cloud.accountant.look()
            #expect(try await standing(cloud) == "TERMINATED")
            #expect(try await cloud.create().code == "TEAM_TERMINATED")
            try await cloud.settle()
            #expect(try await cloud.send(.get, "/computes").data?.array?.isEmpty == true)
            #expect(
                try await cloud.teamEvents().filter { $0.hasPrefix("team.") } == [
                    "team.past_due", "team.suspended", "team.terminated",
                ])
        }
    }

    @Test("a server that was down for long suspends before it terminates")
    func longDown() async throws {
        try await withDebtor { cloud in
            cloud.advance(hours: 1000)
            try await cloud.accountant.look()
            #expect(try await standing(cloud) == "SUSPENDED")
        }
    }

    @Test("a debtor may look and delete, and that ends the cost")
    func deletes() async throws {
        try await withDebtor { cloud in
            #expect(try await cloud.send(.get, "/computes/1").status == 200)
            #expect(try await cloud.send(.delete, "/computes/1").status == 202)
            try await cloud.settle()
            try await cloud.accountant.look()
            let before = try await cloud.ledger()
            cloud.advance(hours: 20)
            try await cloud.accountant.look()
            #expect(try await cloud.ledger() == before)
        }
    }

    @Test("a top-up that makes the balance positive brings the team back at once; a smaller one does not")
    func topUp() async throws {
        try await withDebtor { cloud in
            cloud.advance(hours: 24)
            try await cloud.accountant.look()
            try await cloud.topUp(1, reference: "small")
            #expect(try await standing(cloud) == "SUSPENDED")
            try await cloud.topUp(10_000_000, reference: "large")
            #expect(try await standing(cloud) == "ACTIVE")
            #expect(try await cloud.create().status == 202)
            #expect(try await cloud.teamEvents().last == "team.resumed")
        }
    }

    @Test("a terminated team comes back by the operator alone")
    func resumed() async throws {
        try await withDebtor { cloud in
            for _ in 0..<3 {
                cloud.advance(hours: 48)
                try await cloud.accountant.look()
            }
            try await cloud.topUp(10_000_000, reference: "late")
            #expect(try await standing(cloud) == "TERMINATED")
            _ = try await ResumeTeam(teamId: TestCloud.teamId).run(in: cloud.cloud)
            #expect(try await standing(cloud) == "ACTIVE")
            #expect(try await cloud.create().status == 202)
        }
    }

    @Test("a team that never had anything does not become past due")
    func newTeam() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            for _ in 0..<5 {
                cloud.advance(hours: 100)
                try await cloud.accountant.look()
            }
            #expect(try await standing(cloud) == "ACTIVE")
            #expect(try await cloud.create().code == "INSUFFICIENT_BALANCE")
        }
    }

    @Test("the operator suspends and resumes where nothing is billed too")
    func byOperator() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle()
            for _ in 0..<2 {
                let wallet = try await SuspendTeam(teamId: TestCloud.teamId, reason: "abuse").run(
                    in: cloud.cloud)
                #expect(wallet.standing == .suspended)
            }
            #expect(try await cloud.create().code == "TEAM_SUSPENDED")
            #expect(try await cloud.create(as: .stranger).status == 202)
            try await cloud.accountant.look()
            #expect(try await intent(cloud) == .stopped)
            for _ in 0..<2 { _ = try await ResumeTeam(teamId: TestCloud.teamId).run(in: cloud.cloud) }
            #expect(try await cloud.create().status == 202)
            #expect(try await cloud.teamEvents() == ["team.suspended", "team.resumed"])
        }
    }

    private func standing(_ cloud: TestCloud) async throws -> String? {
        try await cloud.send(.get, "/billing").data?["standing"]?.string
    }

    private func intent(_ cloud: TestCloud) async throws -> ComputeIntent? {
        try await cloud.cloud.database.read { sql in try sql.computes.get(1)?.intent }
    }
}
