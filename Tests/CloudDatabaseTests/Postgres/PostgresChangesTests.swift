import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("What programs on one PostgreSQL hear of each other")
struct PostgresChangesTests {
    @Test("an event of one is signalled in the other, soon")
    func across() async throws {
        try await TestPostgres.withDatabase { connection in
            let (one, other) = (
                try PostgresDatabase(connection: connection), try PostgresDatabase(connection: connection)
            )
            defer { for database in [one, other] { database.close() } }
            try await eventually("both listen") { one.changes.count > 0 && other.changes.count > 0 }
            let seen = other.changes.count
            let team = try await one.write { sql in try sql.makeTeamAndCompute().0 }
            try await one.write { sql in try sql.append("a", team: team) }
            try await eventually("the other hears of it", within: .seconds(5)) { other.changes.count > seen }
        }
    }

    @Test("a connection that was lost is made again, and nothing is missed meanwhile")
    func again() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            try await eventually("it listens") { database.changes.count > 0 }
            let seen = database.changes.count
            let admin = try PostgresClient(try PostgresSettings(connection: connection))
            try admin.run(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%'
                """)
            try await eventually("it looks again for what it may have missed") {
                database.changes.count > seen
            }
            let count = database.changes.count
            try admin.run("NOTIFY \(PostgresListener.channel)")
            try await eventually("it listens again") { database.changes.count > count }
        }
    }
}
