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
                WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query LIKE 'DELETE FROM commits%')
                """)
            try await eventually("it looks again for what it may have missed") {
                database.changes.count > seen
            }
            let count = database.changes.count
            try admin.run("NOTIFY \(PostgresListener.channel)")
            try await eventually("it listens again") { database.changes.count > count }
        }
    }

    @Test("what other programs are told names the teams, as long as that fits")
    func teams() {
        #expect(Tidings.teams([Tidings.text(of: [7, 3]), Tidings.text(of: [9])]) == [3, 7, 9])
        #expect(Tidings.teams([Tidings.text(of: [7]), Tidings.text(of: nil)]) == nil)
        let many = Set((0..<999).map { Int64.max - $0 })
        #expect(Tidings.text(of: many).utf8.count < 8000)
        #expect(Tidings.teams([Tidings.text(of: many)]) == nil)
        var tidings = Tidings()
        for team in Int64(1)...1001 { tidings.add(.team(team)) }
        #expect(tidings.concerned == nil, "those that are left out are concerned too")
        tidings = Tidings()
        tidings.add(.team(1))
        #expect(tidings.concerned == [1])
    }

    @Test("a job wakes its own host's worker, and no other; an event that is no job wakes none")
    func hosts() async throws {
        try await TestPostgres.withDatabase { connection in
            let api = try PostgresDatabase(connection: connection)
            let workers = try (0..<2).map { _ in
                try PostgresDatabase(connection: connection, connections: 1, hearsChanges: false)
            }
            defer { for database in workers + [api] { database.close() } }
            let (team, compute) = try await api.write { sql in try sql.makeTeamAndCompute() }
            let host = try await api.read { sql in
                try sql.query("SELECT host_id FROM jobs WHERE resource_id = $1", [compute])[0].int("host_id")
            }
            let (own, others) = (workers[0].jobs(ofHost: host), workers[1].jobs(ofHost: host + 1))
            try await eventually("both listen") { own.count > 0 && others.count > 0 }
            let (seen, seenByOthers) = (own.count, others.count)
            try await api.write { sql in try sql.append("a", team: team) }
            try await api.write { sql in try sql.jobs.begin(ComputeAction.stop, compute, nowMs: 1) }
            try await eventually("the worker hears of it", within: .seconds(5)) { own.count > seen }
            #expect(own.count == seen + 1 && others.count == seenByOthers)
            #expect(workers.allSatisfy { $0.changes.count == 0 }, "a worker has no use for them")
        }
    }
}
