import CloudCore
import GRDB
import GRDBSQLite

/// A connection that reads, for looks at a few rows. GRDB's readers cost several times what such a look takes by itself, with
/// the threads that they work on.
///
/// Safe: it is used by one thread at a time, which has taken it out of `SQLiteReaders`.
final class SQLiteReader: @unchecked Sendable {
    private let connection: OpaquePointer
    /// `nil` once the connection is to be closed.
    private var statements: SQLiteStatements?

    /// KiB of pages that it keeps at most: the upper levels of all trees, with millions of rows in them.
    private static let cacheKb = 8000

    /// Throws a `DatabaseError`.
    init(path: String, busyTimeoutSeconds: Double) throws {
        let opened = try SQLiteStatements.open(path, SQLITE_OPEN_READONLY)
        connection = opened
        let statements = SQLiteStatements(on: opened)
        self.statements = statements
        sqlite3_busy_timeout(opened, Int32(busyTimeoutSeconds * 1000))  // Safe: the connection is open.
        try statements.execute("PRAGMA cache_size = -\(Self.cacheKb)")
    }

    deinit {
        statements = nil
        sqlite3_close_v2(connection)  // Safe: nobody has a reference, so nothing of it is in use.
    }

    /// Runs `body` on one consistent snapshot. Throws what `body` throws, and a `DatabaseError`.
    func read<T>(_ body: (any SQLConnection) throws -> T) throws -> T {
        guard let statements else { throw CloudError.bug("a reader that is closed is read from") }
        try statements.execute("BEGIN DEFERRED TRANSACTION")
        do {
            let value = try body(Connection(statements: statements))
            try statements.execute("COMMIT")
            return value
        } catch {
            try statements.execute("ROLLBACK")
            throw error
        }
    }

    private struct Connection: SQLConnection {
        let statements: SQLiteStatements

        var dialect: Dialect { .sqlite }

        func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
            try statements.query(sql, arguments)
        }

        func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
            throw CloudError.bug("a look would change something: \(sql)")
        }

        func tell(_ tiding: Tiding) {}
    }
}
