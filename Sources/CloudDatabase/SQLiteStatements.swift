import CloudCore
import GRDB
import GRDBSQLite

/// What is run on one connection of SQLite's, by its own interface: statements that stay prepared, and nothing between them
/// and the caller. GRDB takes as long as SQLite itself for statements as short as most of ours.
///
/// Used by one thread at a time, and let go of before the connection is closed.
final class SQLiteStatements {
    private let connection: OpaquePointer
    /// By their text. Bounded: at most `mostStatements`, and then begun anew.
    private var statements: [String: Prepared] = [:]
    /// What was noted since it was last asked.
    private var tidings = Tidings()
    /// Whether a statement belongs to a transaction: once SQLite has undone that by itself, the rest may not be done alone.
    private var isTransactionDue = false

    /// More than there are texts; a list has one for each combination of filters.
    private static let mostStatements = 400

    private struct Prepared {
        var statement: OpaquePointer
        var columns: SQLColumns
    }

    /// - Parameter connection: an open one, which lives longer.
    init(on connection: OpaquePointer) { self.connection = connection }

    deinit { finalizeAll() }

    /// Runs `body` in a transaction that can write, and commits it. Throws what `body` or SQLite throws; nothing is done then.
    func transaction<T>(_ body: () throws -> T) throws -> T {
        try execute("BEGIN IMMEDIATE")
        isTransactionDue = true
        defer { isTransactionDue = false }
        do {
            let value = try body()
            try execute("COMMIT")
            return value
        } catch {
            if isInsideTransaction { try execute("ROLLBACK") }
            throw error
        }
    }

    /// Runs `body` inside the transaction under way. Throws what `body` or SQLite throws; nothing of it is done then, and the
    /// transaction goes on, unless SQLite has undone all of it by itself.
    func savepoint<T>(_ body: () throws -> T) throws -> T {
        let before = tidings
        try execute("SAVEPOINT part")
        do {
            let value = try body()
            try execute("RELEASE part")
            return value
        } catch {
            if isInsideTransaction {
                try execute("ROLLBACK TO part")
                try execute("RELEASE part")
            }
            tidings = before
            throw error
        }
    }

    // Safe: the connection is open.
    var isInsideTransaction: Bool { sqlite3_get_autocommit(connection) == 0 }

    /// What there is to tell, which is not told again.
    func takeTidings() -> Tidings {
        defer { tidings = Tidings() }
        return tidings
    }

    /// - Parameter visit: called with each row's values.
    private func run(
        _ sql: String, _ arguments: [any SQLArgument], _ visit: (Prepared) throws -> Void = { _ in }
    ) throws {
        if isTransactionDue, !isInsideTransaction {
            throw DatabaseError(resultCode: .SQLITE_ABORT, message: "the transaction was undone")
        }
        let prepared = try prepare(sql)
        let statement = prepared.statement
        // Safe: the statement is this connection's and not finalized. What is bound is copied, and reset lets go of it.
        defer { sqlite3_reset(statement) }
        for (index, argument) in arguments.enumerated() {
            try bind(argument.sqlValue, Int32(index + 1), statement)
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try visit(prepared)
            case SQLITE_DONE: return
            case let code: throw Self.error(code, connection)
            }
        }
    }

    private func prepare(_ sql: String) throws -> Prepared {
        if let prepared = statements[sql] { return prepared }
        if statements.count >= Self.mostStatements { finalizeAll() }
        var statement: OpaquePointer?
        // Safe: SQLite copies the text, and hands out a statement that is finalized with all others.
        let code = sqlite3_prepare_v3(
            connection, SQLiteConnection.numbered(sql), -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil
        )
        guard code == SQLITE_OK, let statement else { throw Self.error(code, connection) }
        // Safe: a column's name is a text that lives until the next call about it, and is copied here.
        let columns = (0..<sqlite3_column_count(statement)).map { index in
            sqlite3_column_name(statement, index).map { String(cString: $0) } ?? ""
        }
        let prepared = Prepared(statement: statement, columns: SQLColumns(columns))
        statements[sql] = prepared
        return prepared
    }

    /// None is in use.
    private func finalizeAll() {
        // Safe: each is this connection's, and forgotten with this.
        for prepared in statements.values { sqlite3_finalize(prepared.statement) }
        statements = [:]
    }

    private func bind(_ value: SQLValue, _ index: Int32, _ statement: OpaquePointer) throws {
        let code =
            switch value {
            case .null: sqlite3_bind_null(statement, index)
            case .int(let value): sqlite3_bind_int64(statement, index, value)
            case .text(var text):
                // Safe: SQLite copies the bytes before it returns (SQLITE_TRANSIENT).
                text.withUTF8 { utf8 in
                    utf8.withMemoryRebound(to: CChar.self) {
                        sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), Self.transient)
                    }
                }
            }
        guard code == SQLITE_OK else { throw Self.error(code, connection) }
    }

    /// `SQLITE_TRANSIENT`, a macro that Swift can't see (https://sqlite.org/c3ref/c_static.html).
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private static func value(_ column: Int, _ prepared: Prepared) throws -> SQLValue {
        let (statement, index) = (prepared.statement, Int32(column))
        // Safe: the statement is on a row. A text has as many bytes as SQLite then says, and is copied.
        switch sqlite3_column_type(statement, index) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .int(sqlite3_column_int64(statement, index))
        case SQLITE_TEXT:
            let bytes = UnsafeBufferPointer(
                start: sqlite3_column_text(statement, index),
                count: Int(sqlite3_column_bytes(statement, index)))
            return .text(String(decoding: bytes, as: UTF8.self))
        default:
            throw CloudError.bug("column \(prepared.columns.names[column]) is neither integer nor text")
        }
    }

    /// A connection without SQLite's own lock, for who sees to it that one thread has it at a time. Throws a `DatabaseError`.
    /// - Parameter access: `SQLITE_OPEN_READONLY` or `SQLITE_OPEN_READWRITE`.
    static func open(_ path: String, _ access: Int32) throws -> OpaquePointer {
        var opened: OpaquePointer?
        // Safe: SQLite copies the path.
        let code = sqlite3_open_v2(path, &opened, access | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let error = Self.error(code, opened)
            sqlite3_close_v2(opened)  // Safe: SQLite takes a null pointer.
            throw error
        }
        return opened
    }

    /// What SQLite says of its last call on the connection, or on none.
    static func error(_ code: Int32, _ connection: OpaquePointer?) -> DatabaseError {
        // Safe: the message of a connection, or of none, is a text that is copied here.
        let message = sqlite3_errmsg(connection).map { String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
}

extension SQLiteStatements: SQLConnection {
    var dialect: Dialect { .sqlite }

    func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try run(sql, arguments) { prepared in
            let values = try prepared.columns.names.indices.map { try Self.value($0, prepared) }
            rows.append(SQLRow(columns: prepared.columns, values: values))
        }
        return rows
    }

    func tell(_ tiding: Tiding) { tidings.add(tiding) }

    func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
        try run(sql, arguments)
        return Int(sqlite3_changes(connection))  // Safe: the connection is open.
    }
}
