import CloudCore
import CloudTesting
import CloudWire
import HTTPTypes
import Testing

@Suite("GET /audit-logs and /computes/{id}/events")
struct EventTests {
    /// What making a team and its keys leaves in its log.
    static let ofSetUp: Set<String?> = ["team.created", "key.created"]

    @Test("a compute's life is in the audit log, each action once, newest first, with who did it")
    func life() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let created = try await cloud.create(idempotencyKey: key)
            _ = try await cloud.create(idempotencyKey: key)
            try await cloud.settle()
            let deleted = try await cloud.send(.delete, "/computes/1", as: .of(.admin))
            _ = try await cloud.send(.delete, "/computes/1", as: .of(.admin))
            _ = try await cloud.send(.delete, "/computes/1", as: .of(.member))
            try await cloud.settle()

            let log = try await cloud.send(.get, "/audit-logs", as: .of(.member))
            #expect(log.status == 200)
            let events = (log.data?.array ?? []).filter { !Self.ofSetUp.contains($0["kind"]?.string) }
            #expect(
                events.compactMap { $0["kind"]?.string } == [
                    "compute.destroyed", "compute.delete.requested", "compute.running", "compute.created",
                ])
            #expect(events.allSatisfy { $0["computeId"]?.string == "1" })
            #expect(events.allSatisfy { $0["resource"]?["kind"]?.string == "compute" })
            #expect(events.allSatisfy { $0["resource"]?["id"]?.string == "1" })
            #expect(
                events.map { $0["actor"]?["keyName"]?.string ?? $0["actor"]?["type"]?.string } == [
                    "system", "Admin", "system", "owner",
                ])
            let requests = [deleted, created].map { $0.json["requestId"]?.string }
            #expect([events[1], events[3]].map { $0["requestId"]?.string } == requests)
            #expect(log.json["meta"]?["total"]?.number == 8, "with the team and its three keys")
        }
    }

    @Test("a compute's events are its own, and are there after its end")
    func ofOneCompute() async throws {
        try await TestCloud.with { cloud in
            let ids = [try await cloud.createAndSettle(), try await cloud.createAndSettle()]
            _ = try await cloud.send(.delete, "/computes/\(ids[0])")
            try await cloud.settle()
            #expect(try await cloud.send(.get, "/computes/\(ids[0])").status == 404)
            for (id, count) in zip(ids, [4, 2]) {
                let events = try await cloud.send(.get, "/computes/\(id)/events").data?.array ?? []
                #expect(events.count == count)
                #expect(events.allSatisfy { $0["computeId"]?.string == id })
            }
        }
    }

    @Test("another team sees nothing of it")
    func strangers() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let log = try await cloud.send(.get, "/audit-logs", as: .stranger)
            #expect(log.data?.array?.map { $0["kind"]?.string } == ["key.created", "team.created"])
            #expect(log.json["meta"]?["total"]?.number == 2)
            let events = try await cloud.send(.get, "/computes/\(id)/events", as: .stranger)
            #expect(events.code == "RESOURCE_NOT_FOUND")
            #expect(try await cloud.send(.get, "/computes/99/events").code == "RESOURCE_NOT_FOUND")
            #expect(try await cloud.send(.get, "/audit-logs", as: .none).status == 401)
        }
    }

    @Test(
        "parameters that can't be are 400, each named",
        arguments: [
            ("page=0", ["page"]), ("limit=101", ["limit"]), ("cursor=x", ["cursor"]),
            ("cursor=MWU1&page=1", ["cursor"]), ("page=1&page=2", ["page"]),
            ("cursor=MWU1&cursor=MWU1", ["cursor"]), ("page=x&limit=0", ["page", "limit"]),
            // A cursor of the list of computes.
            ("cursor=MWM1", ["cursor"]),
        ])
    func bad(_ query: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/audit-logs?\(query)")
            #expect(answer.code == "BAD_REQUEST")
            #expect(answer.fields == fields)
        }
    }

    @Test("a page leads to the next by its cursor, to the end")
    func cursors() async throws {
        try await TestCloud.with { cloud in
            try await cloud.append((1...7).map { "test.n\($0)" })
            var kinds: [String] = []
            var query = "?limit=3"
            var metas: [JSONValue?] = []
            for _ in 0..<4 {
                let answer = try await cloud.send(.get, "/audit-logs\(query)")
                kinds += answer.data?.array?.compactMap { $0["kind"]?.string } ?? []
                metas.append(answer.json["meta"])
                query = "?limit=3&cursor=\(answer.json["meta"]?["nextCursor"]?.string ?? "none")"
            }
            let setUp = ["key.created", "key.created", "key.created", "team.created"]
            #expect(kinds == (1...7).reversed().map { "test.n\($0)" } + setUp)
            #expect(metas.map { $0?["total"]?.number } == [11, nil, nil, nil])
            #expect(metas.map { $0?["page"]?.number } == [1, nil, nil, nil])
            #expect(metas.map { $0?["limit"]?.number } == [3, 3, 3, 3])
            #expect(metas[3]?["nextCursor"] == nil)
        }
    }
}
