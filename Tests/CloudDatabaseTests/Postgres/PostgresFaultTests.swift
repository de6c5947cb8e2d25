import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("When PostgreSQL goes away")
struct PostgresFaultTests {
    @Test(
        "a commit whose connection is lost is made once, whatever was lost",
        arguments: CommitProxy.Fault.allCases)
    func commitLost(_ fault: CommitProxy.Fault) async throws {
        try await TestPostgres.withDatabase { connection in
            try await withTemporaryFolder { folder in
                let words = connection.split(separator: " ").map(String.init)
                let server = try #require(words.first { $0.hasPrefix("host=") }).dropFirst(5)
                let proxy = try CommitProxy(folder: folder, server: String(server))
                let proxied = connection.replacing("host=\(server)", with: "host=\(folder)")
                let database = try PostgresDatabase(connection: proxied, connections: 2)
                defer { database.close() }
                for round in 1...5 {
                    proxy.arm(fault)
                    let runs = Tally()
                    try await database.write { sql in
                        runs.add(1)
                        try sql.noteOrphan(Int64(round), nowMs: 1)
                    }
                    let orphans = try await database.read { sql in try sql.allOrphans() }
                    #expect(orphans.count == round, "neither lost nor, by its primary key, doubled")
                    #expect(proxy.met == round)
                    switch fault {
                    case .commitLost: #expect(runs.count == 2, "it is run again")
                    case .answerLost: #expect(runs.count == 1, "it is known to be done")
                    case .cutOff: break
                    }
                }
            }
        }
    }

    @Test("a connection that is ended between two transactions is made again without a word")
    func idleLost() async throws {
        try await TestPostgres.withDatabase { connection in
            let database = try PostgresDatabase(connection: connection, connections: 2)
            defer { database.close() }
            let admin = try PostgresClient(try PostgresSettings(connection: connection))
            for round in 1...5 {
                try await database.write { sql in try sql.noteOrphan(Int64(round), nowMs: 1) }
                try admin.run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
            }
            let orphans = try await database.read { sql in try sql.allOrphans() }
            #expect(orphans.count == 5)
        }
    }

    @Test(
        "a server that was killed is told at once as away, and nothing that was acknowledged is lost or doubled"
    )
    func killed() async throws {
        try await TestPostgres.withServer { server in
            let connection = try server.makeDatabase("killed")
            let database = try PostgresDatabase(connection: connection, connections: 4)
            defer { database.close() }
            let (isOver, acknowledged, refused) = (Tally(), Tally(), Tally())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<6 {
                    group.addTask {
                        var id = Int64(writer)
                        while isOver.count == 0 {
                            let number = id
                            do {
                                try await database.write { sql in try sql.noteOrphan(number, nowMs: 1)
                                }
                                acknowledged.add(number)
                                id += 6
                            } catch let error as CloudError {
                                #expect(error.code == .serviceUnavailable, "\(error)")
                                refused.add(number)
                                try await letPass(.milliseconds(20))
                                // What was refused was not done, unless it said that it may be.
                                if error.message.contains("may be done") { id += 6 }
                            }
                        }
                    }
                }
                group.addTask {
                    defer { isOver.add(1) }
                    for _ in 0..<2 {
                        let before = (acknowledged.count, refused.count)
                        try await eventually("it works") { acknowledged.count > before.0 + 50 }
                        server.kill()
                        try await eventually("it is told as away") { refused.count > before.1 }
                        let begin = ContinuousClock.now
                        // Refused, or by chance not: how soon is what counts.
                        _ = try? await database.read { sql in try sql.allOrphans() }
                        #expect(ContinuousClock.now - begin < .seconds(2))
                        try await server.start()
                    }
                    let before = acknowledged.count
                    try await eventually("it works again") { acknowledged.count > before + 50 }
                }
                try await group.waitForAll()
            }
            let found = Set(try await database.read { sql in try sql.allOrphans() }.keys)
            let told = acknowledged.numbers
            #expect(Set(told).count == told.count)
            #expect(Set(told).subtracting(found).isEmpty, "acknowledged and lost")
        }
    }
}
