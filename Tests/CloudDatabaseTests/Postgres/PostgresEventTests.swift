import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Events in PostgreSQL")
struct PostgresEventTests {
    @Test("appear in the order of their ids, whichever commits first")
    func order() async throws {
        try await TestPostgres.withDatabase { connection in
            let settings = try PostgresSettings(connection: connection)
            let (first, second) = (try PostgresClient(settings), try PostgresClient(settings))
            let reader = try PostgresDatabase(connection: connection)
            defer { reader.close() }
            let team = try await reader.write { sql in try sql.makeTeamAndCompute().0 }
            func append(_ client: PostgresClient, _ kind: String) throws {
                let sql = PostgresConnection(client)
                try sql.append(kind, team: team)
                try sql.sendQueued()
            }
            func begin(_ client: PostgresClient, _ kind: String) throws {
                try client.run("BEGIN ISOLATION LEVEL SERIALIZABLE")
                try append(client, kind)
            }
            func walk(after id: Int64) async throws -> [EventRecord] {
                try await reader.read { sql in try sql.events.following(.team(team), after: id, limit: 10) }
            }
            try begin(first, "first")
            try begin(second, "second")
            // The other way round too: a later event of the transaction that began first.
            try append(second, "third")
            try append(first, "fourth")
            try second.run("COMMIT")
            #expect(try await walk(after: 0).isEmpty, "an earlier one may still come")
            #expect(try await reader.read { sql in try sql.events.newestId(.team(team)) } == 0)
            try first.run("COMMIT")
            let all = try await walk(after: 0)
            #expect(all.map(\.event.kind) == ["first", "fourth", "second", "third"])
            #expect(try await reader.read { sql in try sql.events.newestId(.team(team)) } == all.last?.id)
        }
    }

    @Test("that are appended at once by many are each seen once by who walks along, and in order")
    func walk() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            let team = try await database.write { sql in try sql.makeTeamAndCompute().0 }
            let (writers, each) = (6, 25)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<writers {
                    group.addTask {
                        for number in 0..<each {
                            try await database.write { sql in
                                try sql.append("\(writer) \(number)", team: team)
                            }
                        }
                    }
                }
                group.addTask {
                    var seen: [EventRecord] = []
                    try await eventually("all were seen") {
                        let after = seen.last?.id ?? 0
                        seen += try await database.read { sql in
                            try sql.events.following(.team(team), after: after, limit: 7)
                        }
                        return seen.count >= writers * each
                    }
                    #expect(Set(seen.map(\.event.kind)).count == writers * each)
                    #expect(seen.count == writers * each)
                    #expect(seen.map(\.id) == seen.map(\.id).sorted())
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("can't be changed or taken out")
    func appendOnly() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            let team = try await database.write { sql in
                let team = try sql.makeTeamAndCompute().0
                try sql.append("kept", team: team)
                return team
            }
            for statement in ["DELETE FROM events", "UPDATE events SET kind = 'x'", "TRUNCATE events"] {
                await #expect(throws: CloudError.self) {
                    try await database.write { sql in try sql.execute(statement) }
                }
            }
            let kinds = try await database.read { sql in
                try sql.events.newest(.team(team), limit: 10).map(\.event.kind)
            }
            #expect(kinds == ["kept"])
            #expect(try await database.read { sql in try sql.audit.eventsAreGuarded() })
            let admin = try PostgresClient(try PostgresSettings(connection: connection))
            try admin.run("ALTER TABLE events DISABLE TRIGGER events_append_only")
            #expect(try await database.read { sql in try sql.audit.eventsAreGuarded() } == false)
        }
    }

    @Test("of a dump that was restored into another cluster are seen, and numbers go on above them")
    func restored() async throws {
        try await TestPostgres.withDatabase { connection in
            let admin = try PostgresClient(try PostgresSettings(connection: connection))
            // As a cluster leaves them that has seen a billion transactions.
            let old: Int64 = 1_000_000_000 << PostgresEventIds.bits
            try admin.run(
                "INSERT INTO events (id, at_ms, kind, actor) VALUES (\(old), 1, 'host.old', 'system')")
            let database = try PostgresDatabase(connection: connection)
            defer { database.close() }
            let team = try await database.write { sql in
                let team = try sql.makeTeamAndCompute().0
                try sql.append("new", team: team)
                return team
            }
            let new = try await database.read { sql in try sql.events.newestId(.team(team)) }
            #expect(new > old)
            let seen = try await database.read { sql in
                try sql.query("SELECT COUNT(*) AS n FROM visible_events")[0].int("n")
            }
            #expect(seen == 2)
            // A second start finds nothing to do.
            let base = try admin.value("SELECT event_base()")
            try PostgresDatabase(connection: connection).close()
            #expect(try admin.value("SELECT event_base()") == base)
        }
    }
}
