import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Statements that PostgreSQL is sent together")
struct PostgresBatchTests {
    private static let insert = "INSERT INTO orphans (host_id, machine_id, first_seen_ms) VALUES (1, $1, $2)"

    private func withDatabase(_ body: (PostgresDatabase) async throws -> Void) async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection, connections: 1)
            defer { database.close() }
            try await database.write { sql in try sql.noteOrphan(0, nowMs: 0) }
            try await body(database)
        }
    }

    @Test("are run in order, before what is asked next, and before the commit, however many they are")
    func order() async throws {
        try await withDatabase { database in
            let count = 2 * PostgresConnection.mostQueued + 7
            let seen = try await database.write { sql in
                for number in 1...count { try sql.later(Self.insert, [number, 5]) }
                let seen = try sql.allOrphans().count
                try sql.later("UPDATE orphans SET first_seen_ms = first_seen_ms + 1", [])
                try sql.later("UPDATE orphans SET first_seen_ms = first_seen_ms * 2 WHERE machine_id > 0", [])
                return seen
            }
            #expect(seen == count + 1)
            let kept = try await database.read { sql in try sql.allOrphans() }
            #expect(kept.count == count + 1 && kept[0] == 1 && kept[1] == 12 && kept[Int64(count)] == 12)
        }
    }

    @Test("undo all when one fails, whichever it is, and the connection goes on")
    func failure() async throws {
        try await withDatabase { database in
            for asks in [false, true] {
                let error = await #expect(throws: CloudError.self) {
                    try await database.write { sql in
                        try sql.later(Self.insert, [1, 5])
                        try sql.later(Self.insert, [2, Int64?.none])
                        try sql.later(Self.insert, [3, 5])
                        if asks { _ = try sql.allOrphans() }
                    }
                }
                #expect(error?.detail?.contains("first_seen_ms") == true, "\(error?.detail ?? "")")
                let kept = try await database.read { sql in try sql.allOrphans() }
                #expect(kept.count == 1)
            }
        }
    }

    @Test("are not sent at all when the body throws before it asks anything")
    func nothing() async throws {
        try await withDatabase { database in
            await #expect(throws: CloudError(.conflict, "no")) {
                try await database.write { sql in
                    try sql.later(Self.insert, [1, 5])
                    throw CloudError(.conflict, "no")
                }
            }
            let kept = try await database.read { sql in try sql.allOrphans() }
            #expect(kept.count == 1)
        }
    }
}
