import Foundation
import GRDB

/// What SQLite alone does with durable writes one by one: a row of a create's size in each transaction, each synced before
/// the next begins, by a statement that is prepared once.
struct SingleInserts {
    private let queue: DatabaseQueue

    /// About what a create keeps of a request.
    private static let text = String(repeating: "x", count: 400)

    init(path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.write { db in
            try db.execute(
                sql:
                    "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, text TEXT NOT NULL)"
            )
        }
    }

    /// Inserts as fast as it can for that long. Returns how many a second.
    func run(for duration: Duration) throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        var count = 0
        try queue.inDatabase { db in
            let statement = try db.cachedStatement(sql: "INSERT INTO rows (key, text) VALUES (?, ?)")
            while clock.now - start < duration {
                try db.inTransaction {
                    try statement.execute(arguments: [UUID().uuidString, Self.text])
                    return .commit
                }
                count += 1
            }
        }
        return Double(count) / ((clock.now - start) / .seconds(1))
    }
}
