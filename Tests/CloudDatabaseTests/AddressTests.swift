import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Addresses")
struct AddressTests {
    /// A database with a team and as many resources that can hold something.
    private func withHolders(
        _ count: Int, _ body: @escaping @Sendable (any Database, [Int64]) async throws -> Void
    ) async throws {
        try await Engine.standard.withDatabase { database in
            let holders = try await database.write { sql in
                let (team, _) = try sql.makeTeamAndCompute()
                return try (0..<count).map { _ in try sql.resources.insert(.compute, teamId: team, nowMs: 1) }
            }
            try await body(database, holders)
        }
    }

    private static let pool = AddressRange(.public4, 100...104)

    @Test("are taken in order, each once, until none is left")
    func order() async throws {
        try await withHolders(6) { database, holders in
            let taken = try await database.write { sql in
                try holders.map { try sql.addresses.take(from: Self.pool, for: $0, nowMs: 5) }
            }
            #expect(taken == [100, 101, 102, 103, 104, nil])
        }
    }

    @Test("that were given back rest, and then the one comes first that was free longest")
    func rest() async throws {
        try await withHolders(6) { database, holders in
            try await database.write { sql in
                let addresses = sql.addresses
                func take(_ holder: Int, at now: Int64) throws -> Int64? {
                    try addresses.take(from: Self.pool, for: holders[holder], restMs: 100, nowMs: now)
                }
                for holder in 0..<3 { _ = try take(holder, at: 5) }
                try addresses.giveBack(of: holders[1], nowMs: 10)
                try addresses.giveBack(of: holders[0], nowMs: 11)
                #expect(try [take(3, at: 12), take(4, at: 12)] == [103, 104], "those that nobody has had")
                #expect(try take(5, at: 109) == nil)
                #expect(try take(5, at: 110) == 101)
                #expect(try take(1, at: 110) == nil)
                #expect(try addresses.takeResting(from: Self.pool, for: holders[1]) == 100)
                #expect(try addresses.takeResting(from: Self.pool, for: holders[0]) == nil)
            }
        }
    }

    @Test("of a range that has changed are never given out twice, and those outside of it not at all")
    func ranges() async throws {
        try await withHolders(9) { database, holders in
            try await database.write { sql in
                func take(_ holder: Int, _ numbers: ClosedRange<Int64>) throws -> Int64? {
                    try sql.addresses.take(
                        from: AddressRange(.public4, numbers), for: holders[holder], nowMs: 5)
                }
                #expect(try [take(0, 100...102), take(1, 100...102)] == [100, 101])
                // First those whose rows are there.
                #expect(try [take(2, 98...103), take(3, 98...103)] == [102, 98])
                #expect(try [take(4, 101...103), take(5, 101...103), take(6, 101...103)] == [103, nil, nil])
                try sql.addresses.giveBack(.public4, 99, nowMs: 6)
                #expect(try take(7, 101...103) == nil)
                #expect(try take(8, 90...99) == 90)
            }
        }
    }

    @Test("of many are found along an index, however many are taken")
    func growth() async throws {
        try await withHolders(1) { database, holders in
            let numbers: ClosedRange<Int64> = 1...2000
            try await database.write { sql in
                let range = AddressRange(.private4, teamId: 1, numbers)
                for number in numbers {
                    #expect(try sql.addresses.take(from: range, for: holders[0], nowMs: 5) == number)
                }
                #expect(try sql.addresses.take(from: range, for: holders[0], nowMs: 5) == nil)
                guard sql.dialect == .sqlite else { return }
                let plan = try sql.query(
                    """
                    EXPLAIN QUERY PLAN SELECT number FROM addresses
                    WHERE kind = 'private4' AND team_id = 1 AND holder_id IS NULL AND free_since_ms <= 1
                        AND number BETWEEN 1 AND 2 ORDER BY free_since_ms, number LIMIT 1
                    """
                ).map { try $0.text("detail") }
                #expect(plan.count == 1 && plan[0].contains("INDEX addresses_free"), "\(plan)")
            }
        }
    }

    @Test("of a team that is deleted are forgotten, and may be another's")
    func forgotten() async throws {
        try await withHolders(2) { database, holders in
            try await database.write { sql in
                let (first, second) = (
                    AddressRange(.private4, teamId: 1, 5...9), AddressRange(.private4, teamId: 2, 5...9)
                )
                #expect(try sql.addresses.take(from: first, for: holders[0], nowMs: 5) == 5)
                try sql.addresses.giveBack(of: holders[0], nowMs: 6)
                try sql.addresses.forget(teamId: 1)
                #expect(try sql.addresses.take(from: second, for: holders[1], nowMs: 7) == 5)
            }
        }
    }
}
