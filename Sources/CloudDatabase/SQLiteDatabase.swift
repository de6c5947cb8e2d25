import CloudCore
import GRDB

/// The embedded engine: one file, one writer, any number of readers (GRDB's pool in WAL mode).
public final class SQLiteDatabase: Database {
    private let pool: DatabasePool
    private let writes: WriteQueue
    public let changes = Changes()
    /// Seconds that a writer waits for another process's transaction, such as a command of the operator's.
    private static let busyTimeoutSeconds = 10.0

    /// Opens or makes the file and brings its schema up to date. Throws a `CloudError` that names the path when it
    /// can't be opened, and when a newer program made the schema.
    public init(path: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            writes = WriteQueue(pool: pool)
            // The pool sets NORMAL when it opens, which loses acknowledged commits at a power cut. The pragma is
            // ignored inside a transaction.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try pool.writeWithoutTransaction(Self.migrate)
            pool.add(transactionObserver: CommitObserver(changes), extent: .databaseLifetime)
        } catch let error as DatabaseError {
            throw CloudError(
                .internalServerError,
                "The database \(path) can't be opened. Check the folder's owner and free space, and that the file is whole.",
                detail: "\(error)")
        }
    }

    /// Without foreign keys, since a table that others refer to can only be changed by a new one in its place; they are
    /// looked at as a whole before the commit. The pragma is ignored inside a transaction.
    package static func migrate(_ db: GRDB.Database) throws {
        try db.execute(sql: "PRAGMA foreign_keys = OFF")
        try db.inTransaction(.immediate) {
            let ran = try Migrations.run(on: SQLiteConnection(db: db), dialect: .sqlite)
            if ran > 0 { try db.checkForeignKeys() }
            return .commit
        }
        try db.execute(sql: "PRAGMA foreign_keys = ON")
    }

    public func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await Self.translatingErrors {
            try await pool.read { db in try body(SQLiteConnection(db: db)) }
        }
    }

    public func write<T: Sendable>(
        _ name: DurableWrite,
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await Self.translatingErrors {
            try await writes.write { db in try body(SQLiteConnection(db: db)) }
        }
    }

    /// The writer's `synchronous` level: 2 is FULL.
    func synchronousLevel() async throws -> Int? {
        try await pool.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
    }

    /// Writes that wait for their turn.
    public var waitingWrites: Int { writes.waiting }

    private static func translatingErrors<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as DatabaseError {
            throw CloudError(error)
        }
    }
}

extension CloudError {
    /// What an error of SQLite's means to who asked.
    package init(_ error: DatabaseError) {
        self =
            switch error.resultCode {
            case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_BUSY, .SQLITE_LOCKED,
                .SQLITE_CANTOPEN, .SQLITE_PROTOCOL, .SQLITE_NOMEM:
                CloudError(
                    .serviceUnavailable,
                    "The database can't be written now, and nothing was done. Try again.",
                    detail: "\(error)")
            default:
                CloudError.bug("SQLite: \(error)")
            }
    }
}

/// SQLite's side of the portable connection.
package struct SQLiteConnection: SQLConnection {
    let db: GRDB.Database

    package init(db: GRDB.Database) { self.db = db }

    package func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        let statement = try db.cachedStatement(sql: Self.numbered(sql))
        return try Row.fetchAll(statement, arguments: Self.bound(arguments)).map(Self.portable)
    }

    package func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
        let statement = try db.cachedStatement(sql: Self.numbered(sql))
        try statement.execute(arguments: Self.bound(arguments))
        return db.changesCount
    }

    /// `$1` is a name to SQLite, numbered by first appearance; `?1` is a number, as PostgreSQL reads `$1`.
    private static func numbered(_ sql: String) -> String { sql.replacing("$", with: "?") }

    private static func bound(_ arguments: [any SQLArgument]) -> StatementArguments {
        StatementArguments(
            arguments.map { argument -> (any DatabaseValueConvertible)? in
                switch argument.sqlValue {
                case .null: nil
                case .int(let value): value
                case .text(let value): value
                }
            })
    }

    private static func portable(_ row: Row) throws -> SQLRow {
        var values: [String: SQLValue] = [:]
        for (column, value) in row {
            switch value.storage {
            case .null: values[column] = .null
            case .int64(let int): values[column] = .int(int)
            case .string(let text): values[column] = .text(text)
            case .double, .blob: throw CloudError.bug("column \(column) is neither integer nor text")
            }
        }
        return SQLRow(values: values)
    }
}
