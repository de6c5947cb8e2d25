import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("PostgreSQL")
struct PostgresDatabaseTests {
    @Test("keeps what is committed, and nothing of a body that throws")
    func commits() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            try await database.write { sql in try sql.noteOrphan(1, nowMs: 5) }
            await #expect(throws: CloudError(.conflict, "no")) {
                try await database.write { sql in
                    try sql.noteOrphan(2, nowMs: 5)
                    throw CloudError(.conflict, "no")
                }
            }
            let orphans = try await database.read { sql in try sql.allOrphans() }
            #expect(orphans == [1: 5])
        }
    }

    @Test("undoes a transaction of which a statement failed, even when its body goes on as if nothing were")
    func swallowed() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    try sql.noteOrphan(1, nowMs: 5)
                    #expect(throws: (any Error).self) {
                        try sql.execute(
                            "INSERT INTO orphans (host_id, machine_id, first_seen_ms) VALUES (1, 2, NULL)")
                    }
                }
            }
            let orphans = try await database.read { sql in try sql.allOrphans() }
            #expect(orphans.isEmpty)
        }
    }

    @Test("gives back texts, numbers and nothing as they were, whatever is in them")
    func values() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            let text = "'; DROP TABLE teams; -- $1 ü 🖥 \\ \n"
            let row = try await database.read { sql in
                try sql.query(
                    "SELECT $1 AS t, $2 AS n, CAST($3 AS TEXT) AS z, $4 = $4 AS yes",
                    [text, Int64.min, String?.none, 1])[0]
            }
            #expect(row == SQLRow(["t": .text(text), "n": .int(.min), "z": .null, "yes": .int(1)]))
        }
    }

    @Test("refuses a text with U+0000, which it can't keep, in place of cutting it off")
    func nul() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            let error = await #expect(throws: CloudError.self) {
                try await database.read { sql in _ = try sql.query("SELECT $1 AS t", ["a\0b"]) }
            }
            #expect(error?.code == .validationError)
        }
    }

    @Test("keeps no more prepared statements than it may, and goes on")
    func statements() async throws {
        try await TestPostgres.withDatabase { connection in
            let client = try PostgresClient(try PostgresSettings(connection: connection))
            for number in 0..<PostgresClient.mostStatements + 50 {
                _ = try client.run("SELECT \(number) AS n", [])
            }
            let kept = try client.value("SELECT COUNT(*) FROM pg_prepared_statements")
            #expect(kept == "50")
        }
    }

    @Test("runs a body again that another transaction was in the way of, until both are done")
    func conflict() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            try await database.write { sql in try sql.noteOrphan(1, nowMs: 0) }
            let runs = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await database.write { sql in
                            runs.add(1)
                            let seen = try sql.allOrphans()[1] ?? 0
                            try sql.execute("UPDATE orphans SET first_seen_ms = $1", [seen + 1])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let sum = try await database.read { sql in try sql.allOrphans()[1] }
            #expect(sum == 6, "none is lost, in \(runs.count) runs")
        }
    }

    @Test("with a password in its connection string never tells it")
    func password() throws {
        for text in [
            "postgresql://u:hunter%zz2@127.0.0.1/x", "postgresql://u:p@hunter@2/x", "host=a pass=hunter2",
        ] {
            let error = #expect(throws: CloudError.self) { try PostgresDatabase(connection: text) }
            #expect(error?.code == .validationError)
            #expect("\(try #require(error))".contains("hunter") == false)
        }
        let error = #expect(throws: CloudError.self) {
            try PostgresDatabase(connection: "postgresql://u:hunter2@/x?host=/nonexistent")
        }
        #expect(error?.code == .serviceUnavailable)
        #expect("\(try #require(error))".contains("hunter") == false)
    }

    @Test("sets the limits of each session")
    func session() async throws {
        try await TestPostgres.withDatabase { connection in
            let client = try PostgresClient(try PostgresSettings(connection: connection))
            #expect(try client.value("SHOW statement_timeout") == "15s")
            #expect(try client.value("SHOW lock_timeout") == "5s")
            #expect(try client.value("SHOW idle_in_transaction_session_timeout") == "20s")
            #expect(try client.value("SHOW enable_seqscan") == "off")
            #expect(try client.value("SHOW application_name") == "strettch")
            #expect(try client.value("SHOW synchronous_commit") == "on")
        }
    }
}
