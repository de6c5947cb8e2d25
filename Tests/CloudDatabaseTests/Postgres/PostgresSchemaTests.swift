import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("The schema in PostgreSQL")
struct PostgresSchemaTests {
    @Test("is made by one of several programs that start at once")
    func together() async throws {
        try await TestPostgres.withDatabase { connection in
            let admin = try PostgresClient(try PostgresSettings(connection: connection))
            try admin.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { try PostgresDatabase(connection: connection, connections: 1).close() }
                }
                try await group.waitForAll()
            }
            #expect(try admin.value("SELECT COUNT(*) FROM schema_version") == "\(Migrations.all.count)")
        }
    }

    @Test("of a newer program is refused")
    func newer() async throws {
        try await TestPostgres.withDatabase { connection in
            let admin = try PostgresClient(try PostgresSettings(connection: connection))
            try admin.run("INSERT INTO schema_version (version) VALUES (\(Migrations.all.count + 1))")
            let error = #expect(throws: CloudError.self) { try PostgresDatabase(connection: connection) }
            #expect(error?.message.contains("Run the newer program") == true)
        }
    }

    @Test("has the columns that SQLite's has, in every table")
    func sameColumns() async throws {
        var columns: [Engine: [String]] = [:]
        for engine in Engine.allCases {
            columns[engine] = try await engine.withDatabase { database in
                try await database.read { sql in
                    switch sql.dialect {
                    case .sqlite:
                        try sql.query(
                            """
                            SELECT m.name || '.' || p.name AS line FROM sqlite_master m
                            CROSS JOIN pragma_table_xinfo(m.name) p
                            WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'
                            """)
                    case .postgres:
                        try sql.query(
                            """
                            SELECT CAST(table_name || '.' || column_name AS TEXT) AS line
                            FROM information_schema.columns
                            WHERE table_schema = 'public' AND table_name <> 'commits'
                            """)
                    }
                }
            }.map { try $0.text("line") }.sorted()
        }
        #expect(columns[.sqlite] == columns[.postgres])
        #expect(columns[.sqlite]?.contains("events.request_id") == true)
    }

    @Test("reserves ids of computes that a host knows, and never goes back")
    func reserved() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            let answers = try await database.write { sql in
                try [0, 40, 40, 3].map { try sql.identities.reserveResources(to: $0) }
            }
            #expect(answers == [false, true, false, false])
            let id = try await database.write { sql in try sql.makeTeamAndCompute().1 }
            #expect(id == 41)
        }
    }
}
