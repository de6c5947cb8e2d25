import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("Filters and cursors of GET /computes")
struct ListComputesTests {
    static let filters: [(query: String, ids: [String])] = [
        ("state=RUNNING", ["2", "1"]), ("state=CREATING", ["3"]), ("state=FAILED", []),
        ("state=DESTROYED", []), ("tag=web", ["3", "1"]), ("tag=web&tag=live", ["1"]),
        ("tag=live&tag=web&state=RUNNING", ["1"]), ("tag=nobody", []), ("tag=Web", []),
        ("region=KGL-1", ["3", "2", "1"]), ("region=kgl-1", []), ("hostName=DB.example", ["2"]),
        ("hostName=db", []), ("hostName=web-1&tag=web&state=RUNNING&region=KGL-1", ["1"]),
        ("unknown=1&tag=live", ["1"]),
    ]

    @Test("filters let through what passes all of them, and the total counts no other")
    func filtered() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle(
                TestCloud.body(hostName: "\"web-1\"", more: ", \"tags\": [\"web\", \"live\"]"))
            _ = try await cloud.createAndSettle(TestCloud.body(hostName: "\"db.Example\""))
            _ = try await cloud.create(TestCloud.body(hostName: "\"web-3\"", more: ", \"tags\": [\"web\"]"))
            _ = try await cloud.create(TestCloud.body(more: ", \"tags\": [\"web\"]"), as: .stranger)
            for (query, ids) in Self.filters {
                let answer = try await cloud.send(.get, "/computes?\(query)")
                #expect(answer.data?.array?.compactMap { $0["id"]?.string } == ids, "\(query)")
                #expect(answer.json["meta"]?["total"]?.number == Double(ids.count), "\(query)")
            }
        }
    }

    @Test("a destroyed compute is found by none of its tags")
    func destroyed() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"tags\": [\"web\"]"))
            _ = try await cloud.send(.delete, "/computes/\(id)")
            #expect(try await cloud.send(.get, "/computes?tag=web").data?.array?.count == 1)
            try await cloud.settle()
            let answer = try await cloud.send(.get, "/computes?tag=web")
            #expect(answer.data?.array?.isEmpty == true)
            #expect(answer.json["meta"]?["total"]?.number == 0)
        }
    }

    static let bad: [(query: String, fields: [String])] = [
        ("state=running", ["state"]), ("state=", ["state"]), ("state=RUNNING&state=FAILED", ["state"]),
        ("tag=", ["tag"]), ("tag=a%20b", ["tag"]), ("tag=a&tag=a", ["tag"]), ("region=", ["region"]),
        ("region=a%00b", ["region"]), ("region=A&region=B", ["region"]), ("hostName=a_b", ["hostName"]),
        ("hostName=a&hostName=b", ["hostName"]), ("limit=0&state=x&tag=!", ["limit", "state", "tag"]),
        ("cursor=", ["cursor"]), ("cursor=MWU1", ["cursor"]),
    ]

    @Test("a filter that can't be is 400 with every parameter at fault", arguments: bad)
    func refused(_ query: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/computes?\(query)")
            #expect(answer.code == "BAD_REQUEST")
            #expect(answer.fields == fields)
        }
    }

    @Test("an unknown state is answered with those that there are")
    func states() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/computes?state=UP")
            #expect(
                answer.json["message"]?.string?.contains("'UP' is no state. Send one of CREATING,") == true)
        }
    }

    @Test(
        "a walk by cursors has each compute that is there throughout exactly once, whatever comes and goes",
        arguments: [1, 2, 3, 4, 5])
    func walk(seed: UInt64) async throws {
        try await TestCloud.with { cloud in
            var random = SeededRandom(seed: seed)
            func create() async throws {
                let answer = try await cloud.create(TestCloud.body(more: ", \"tags\": [\"web\"]"))
                #expect(answer.status == 202, "\(answer.text)")
            }
            for _ in 0..<30 { try await create() }
            var gone: Set<String> = []
            let old = Set((1...30).map { String($0) })
            var seen: [String] = []
            var query = "limit=\(Int.random(in: 1...7, using: &random))\(seed % 2 == 0 ? "&tag=web" : "")"
            let filter = query.split(separator: "&").dropFirst().map { "&\($0)" }.joined()
            for _ in 0..<40 {
                let answer = try await cloud.send(.get, "/computes?\(query)")
                seen += answer.data?.array?.compactMap { $0["id"]?.string } ?? []
                guard let cursor = answer.json["meta"]?["nextCursor"]?.string else { break }
                query = "limit=\(Int.random(in: 1...7, using: &random))\(filter)&cursor=\(cursor)"
                for _ in 0..<Int.random(in: 0...2, using: &random) { try await create() }
                guard let victim = old.subtracting(gone).randomElement(using: &random) else { continue }
                gone.insert(victim)
                try await cloud.destroy(victim)
            }
            #expect(seen.count == Set(seen).count, "nothing twice")
            #expect(old.subtracting(gone).subtracting(seen).isEmpty, "nothing missing")
            #expect(seen == seen.sorted { Int($0) ?? 0 > Int($1) ?? 0 }, "newest first")
        }
    }
}

extension TestCloud {
    /// Destroys a compute in the database alone.
    fileprivate func destroy(_ id: String) async throws {
        guard let id = Int64(id) else { throw CloudError.bug("no id") }
        let now = clock.nowMs
        try await database.write { sql in
            try sql.computes.releaseAddresses(id)
            try sql.setState(id, state: .destroyed, intent: .destroyed, nowMs: now)
        }
    }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
