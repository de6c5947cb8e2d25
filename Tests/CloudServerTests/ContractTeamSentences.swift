import CloudControl
import CloudCore
import CloudTesting
import FoundationEssentials
import HTTPTypes
import Testing

/// The API reference, what "Teams, roles, billing" says of teams, and "Known clients", fact by fact.
@Suite("The API reference on teams, roles and known clients")
struct ContractTeamSentences {
    @Test("a Member looks at everything and changes nothing", arguments: ComputeAction.asked)
    func member(_ action: ComputeAction) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            for path in [
                "/computes", "/computes/\(id)", "/computes/\(id)/events", "/audit-logs", "/keys", "/team",
            ] {
                #expect(try await cloud.send(.get, path, as: .of(.member)).status == 200, "\(path)")
            }
            let answer =
                action == .create
                ? try await cloud.create(as: .of(.member))
                : try await cloud.act(action, on: id, as: .of(.member))
            #expect(answer.status == 403)
            #expect(answer.code == "FORBIDDEN")
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(try await cloud.send(.get, "/computes").data?.array?.count == 1)
        }
    }

    @Test(
        "an Owner and an Admin create, power, upsize, delete, and make keys", arguments: [Role.owner, .admin])
    func mayChange(_ role: Role) async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.Key.of(role)
            let id = try await cloud.createAndSettle(as: key)
            for action in [ComputeAction.reboot, .stop, .upsize, .start, .update, .delete] {
                let answer = try await cloud.act(action, on: id, as: key)
                #expect(answer.status == (action == .update ? 200 : 202), "\(action): \(answer.text)")
                try await cloud.settle()
            }
            let made = try await cloud.send(
                .post, "/keys", as: key, body: #"{"name": "ci", "role": "Admin"}"#)
            #expect(made.data?["role"]?.string == "Admin")
        }
    }

    @Test(
        "whatever is asked of another team's compute, it is not found",
        arguments: ComputeAction.asked.filter { $0 != .create })
    func otherTeam(_ action: ComputeAction) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let changed = try await cloud.act(action, on: id, as: .stranger)
            let events = try await cloud.send(.get, "/computes/\(id)/events", as: .stranger)
            let awaited = try await cloud.send(.get, "/computes/\(id)?wait=STOPPED&timeout=1", as: .stranger)
            for answer in [changed, events, awaited] {
                #expect(answer.status == 404)
                #expect(answer.code == "RESOURCE_NOT_FOUND")
            }
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test("the audit log says who did what and when, newest first")
    func auditLog() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(as: .of(.admin))
            cloud.clock.advance(milliseconds: 60_000)
            _ = try await cloud.act(.stop, on: id)
            let events = try await cloud.send(.get, "/audit-logs?limit=3", as: .of(.member)).data?.array ?? []
            #expect(
                events.map { $0["kind"]?.string } == [
                    "compute.stop.requested", "compute.running", "compute.created",
                ])
            #expect(events.map { $0["actor"]?["type"]?.string } == ["key", "system", "key"])
            #expect(events.map { $0["actor"]?["keyName"]?.string } == ["owner", nil, "Admin"])
            #expect(events.first?["at"]?.string == "2024-01-15T10:01:00Z")
            #expect(events.last?["at"]?.string == "2024-01-15T10:00:00Z")
            #expect(events.allSatisfy { $0["computeId"]?.string == id })
            let ids = events.compactMap { $0["id"]?.string.flatMap { Int64($0) } }
            #expect(ids.count == 3 && ids == ids.sorted(by: >))
        }
    }

    @Test("a guest that asks with its compute's id gets a token and the address of the API, and no more")
    func guestToken() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let answer = try await lab.ask(
                "/metadata/v1/auth-token", from: guest.address, headers: ["X-Resource-ID: \(guest.id)"])
            #expect(answer.status == 200)
            #expect(answer.head.contains("Content-Type: application/json"))
            let members = try answer.json.object ?? [:]
            #expect(Set(members.keys.map(\.self)) == ["token", "cloudAPIUrl"])
            #expect(members["cloudAPIUrl"]?.string?.hasSuffix("/api/v1") == true)
            let token = try #require(members["token"]?.string)
            let own = try await lab.cloud.send(
                .get, "/computes/\(guest.id)", as: .raw("Bearer \(token)"))
            #expect(own.data?["id"]?.string == guest.id)
        }
    }

    // MARK: Documented members

    static let members: [(path: String, members: Set<String>)] = [
        ("/regions", ["id", "region", "name", "countryCode"]),
        ("/images", ["image", "imageName", "version", "displayName"]),
        ("/computes/specifications", ["id", "specification", "vcpus", "memoryMb", "storageGb"]),
        (
            "/computes",
            [
                "id", "hostName", "state", "image", "specification", "region", "ipv4", "privateIpv4", "tags",
                "createdAt", "updatedAt",
            ]
        ),
    ]

    @Test("every member of the reference is there, whatever is beside it", arguments: members)
    func documented(path: String, members: Set<String>) async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
            let items = try await cloud.send(.get, path).data?.array ?? []
            #expect(!items.isEmpty)
            for item in items {
                let present = Set(item.object?.keys.map(\.self) ?? [])
                #expect(present.isSuperset(of: members), "\(members.subtracting(present))")
            }
            if path == "/computes/specifications" {
                #expect(items.allSatisfy { UUID(uuidString: $0["id"]?.string ?? "") != nil })
            }
        }
    }
}
