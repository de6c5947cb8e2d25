import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Room on hosts in the database")
struct HostRoomTests {
    static let demand = Placement.Demand(
        resources: Resources(vcpus: 2, memoryMb: 512, storageGb: 10), region: "KGL-1", image: "TINY-1")

    /// Runs `body` with `count` hosts of 10 vCPUs, alive at 100,000 ms, of which the nth has `taken(n)` given out.
    private func withHosts(
        _ count: Int, taken: @escaping @Sendable (Int) -> Int = { _ in 0 },
        _ body: @escaping @Sendable (any SQLConnection) throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try await SQLiteDatabase(path: "\(folder)/db").write { sql in
                for number in 1...count {
                    let facts = HostFacts(
                        identity: "\(number)", name: "host-\(number)",
                        capacity: Capacity(vcpus: 10, memoryMb: 100_000, storageGb: 100_000), labels: ["a,b"])
                    let id = try sql.hosts.insert(facts)
                    _ = try sql.hosts.take(id, facts, owner: "w", nowMs: 100_000)
                    let taken = Resources(vcpus: taken(number))
                    guard try sql.hosts.takeRoom(id, taken) else { throw CloudError.bug("no room") }
                }
                try body(sql)
            }
        }
    }

    private static func ids(
        _ sql: any SQLConnection, _ policy: Placement.Policy, limit: Int = 16, nowMs: Int64 = 100_000,
        for demand: Placement.Demand = demand
    ) throws -> [Int64] {
        try sql.hosts.candidates(for: demand, policy: policy, nowMs: nowMs, limit: limit).map(\.host.id)
    }

    @Test("is found in the order of the policy, and only where there is enough of all")
    func candidates() async throws {
        try await withHosts(4, taken: { [3, 9, 5, 0][$0 - 1] }) { sql in
            #expect(try Self.ids(sql, .spread) == [4, 1, 3])
            #expect(try Self.ids(sql, .pack) == [3, 1, 4])
            #expect(try Self.ids(sql, .pack, limit: 1) == [3])
            try sql.execute("UPDATE hosts SET memory_mb = 511 WHERE id = 4")
            try sql.execute("UPDATE hosts SET region = 'HUY-1' WHERE id = 1")
            #expect(try Self.ids(sql, .spread) == [3])
            #expect(try Self.ids(sql, .spread, nowMs: 130_001) == [])
        }
    }

    @Test("is what the pure rule says of the same rows", arguments: [nil, "s"])
    func agrees(_ store: String?) async throws {
        var asked = Self.demand
        asked.store = store
        let demand = asked
        try await withHosts(40, taken: { ($0 * 7) % 11 }) { sql in
            try sql.execute("UPDATE hosts SET state = 'CORDONED' WHERE id % 9 = 0")
            try sql.execute("UPDATE hosts SET state = 'DRAINING' WHERE id % 13 = 0")
            try sql.execute("UPDATE hosts SET region = 'HUY-1' WHERE id % 5 = 0")
            try sql.execute("UPDATE hosts SET heartbeat_ms = 1 WHERE id % 8 = 0")
            try sql.execute("UPDATE hosts SET memory_mb = NULL, storage_gb = 9 WHERE id % 6 = 0")
            try sql.execute(
                "UPDATE hosts SET store = CASE WHEN id % 3 = 0 THEN 's' ELSE 't' END WHERE id % 4 <> 0")
            let hosts = try sql.hosts.list()
            let fit = hosts.filter { $0.obstacles(to: demand, nowMs: 100_000).isEmpty }
            #expect(
                Set(try Self.ids(sql, .spread, limit: 100, for: demand)) == Set(fit.map(\.id)) && !fit.isEmpty
            )
            let loads = try sql.query("SELECT load FROM hosts ORDER BY name").map { Int(try $0.int("load")) }
            #expect(loads == hosts.map(\.load))
            var expected: [[HostObstacle]: Int] = [:]
            for host in hosts {
                let obstacles = host.obstacles(to: demand, nowMs: 100_000)
                expected[obstacles.isEmpty ? [.apart] : obstacles, default: 0] += 1
            }
            var counted: [[HostObstacle]: Int] = [:]
            for refusal in try sql.hosts.refusals(of: demand, nowMs: 100_000) {
                counted[refusal.obstacles, default: 0] += refusal.count
            }
            #expect(counted == expected)
        }
    }

    @Test("is taken to the last bit and no further, on a host that is ACTIVE")
    func take() async throws {
        try await withHosts(1, taken: { _ in 6 }) { sql in
            let need = Self.demand.resources
            let taken = try (0..<3).map { _ in try sql.hosts.takeRoom(1, need) }
            #expect(taken == [true, true, false])
            #expect(try !sql.hosts.growRoom(1, by: Resources(vcpus: 1)))
            #expect(try sql.hosts.growRoom(1, by: Resources(vcpus: -2, memoryMb: 5)))
            try sql.hosts.set(1, state: .cordoned)
            #expect(try !sql.hosts.takeRoom(1, need))
            #expect(try sql.hosts.growRoom(1, by: Resources(vcpus: 1)), "what is there may grow")
            #expect(try sql.hosts.get(1)?.taken.vcpus == 9)
        }
    }

    @Test("is looked for along the index, without a sort")
    func plan() async throws {
        try await withHosts(1) { sql in
            for order in ["", "DESC"] {
                let plan = try sql.query(
                    """
                    EXPLAIN QUERY PLAN SELECT * FROM hosts h WHERE h.state = 'ACTIVE' AND h.free_vcpus >= $1
                        AND h.heartbeat_ms >= $2 ORDER BY h.load \(order) LIMIT 16
                    """, [1, 1]
                ).map { try $0.text("detail") }
                #expect(plan == ["SCAN h USING INDEX hosts_with_room"])
            }
        }
    }

    @Test("of the same name is held by one host that is not REMOVED")
    func names() async throws {
        try await withHosts(2) { sql in
            #expect(throws: (any Error).self) {
                try sql.execute("UPDATE hosts SET name = 'host-1' WHERE id = 2")
            }
            try sql.hosts.remove(1)
            try sql.execute("UPDATE hosts SET name = 'host-1' WHERE id = 2")
            #expect(try sql.hosts.list().map(\.id) == [2])
            #expect(try sql.hosts.get(2)?.labels == ["a,b"])
            #expect(try !sql.hosts.isOwned(1, epoch: 1))
        }
    }
}
