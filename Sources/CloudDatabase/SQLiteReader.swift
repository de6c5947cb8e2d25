import CloudCore
import GRDB
import GRDBSQLite

/// A connection that reads, for looks at a few rows: SQLite's own interface, with statements that stay prepared, and nothing
/// between it and the caller. GRDB's readers cost several times what such a look takes by itself, with the threads that they
/// work on.
///
/// Safe: it is used by one thread at a time, which has taken it out of `SQLiteReaders`.
final class SQLiteReader: @unchecked Sendable {
    private let connection: OpaquePointer
    /// By their text. Bounded: at most `mostStatements`, and then begun anew.
    private var statements: [String: Prepared] = [:]

    /// More than the queries of all looks; a list has one for each combination of filters.
    private static let mostStatements = 200

    private struct Prepared {
        var statement: OpaquePointer
        var columns: [String]
    }

    /// Throws a `DatabaseError`.
    init(path: String, busyTimeoutSeconds: Double) throws {
        var opened: OpaquePointer?
        // Safe: SQLite copies the path. The connection is used without SQLite's own lock, since one thread has it at a time.
        let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let error = Self.error(code, opened)
            sqlite3_close_v2(opened)  // Safe: SQLite takes a null pointer.
            throw error
        }
        connection = opened
        sqlite3_busy_timeout(opened, Int32(busyTimeoutSeconds * 1000))  // Safe: the connection is open.
    }

    deinit {
        // Safe: nobody has a reference, so nothing of it is in use.
        for prepared in statements.values { sqlite3_finalize(prepared.statement) }
        sqlite3_close_v2(connection)
    }

    /// Runs `body` on one consistent snapshot. Throws what `body` throws, and a `DatabaseError`.
    func read<T>(_ body: (any SQLConnection) throws -> T) throws -> T {
        _ = try rows("BEGIN DEFERRED TRANSACTION", [])
        do {
            let value = try body(Connection(reader: self))
            _ = try rows("COMMIT", [])
            return value
        } catch {
            _ = try rows("ROLLBACK", [])
            throw error
        }
    }

    private struct Connection: SQLConnection {
        let reader: SQLiteReader

        var dialect: Dialect { .sqlite }

        func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
            try reader.rows(sql, arguments)
        }

        func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
            throw CloudError.bug("a look would change something: \(sql)")
        }
    }

    private func rows(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        let prepared = try prepare(sql)
        let statement = prepared.statement
        // Safe: the statement is this connection's and not finalized. What is bound is copied, and reset lets go of it.
        defer { sqlite3_reset(statement) }
        for (index, argument) in arguments.enumerated() {
            try bind(argument.sqlValue, Int32(index + 1), statement)
        }
        var rows: [SQLRow] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                let values = try prepared.columns.indices.map {
                    try Self.value(statement, $0, prepared.columns)
                }
                rows.append(SQLRow(columns: prepared.columns, values: values))
            case SQLITE_DONE: return rows
            case let code: throw Self.error(code, connection)
            }
        }
    }

    private func prepare(_ sql: String) throws -> Prepared {
        if let prepared = statements[sql] { return prepared }
        if statements.count >= Self.mostStatements {
            // Safe: none is in use.
            for prepared in statements.values { sqlite3_finalize(prepared.statement) }
            statements = [:]
        }
        var statement: OpaquePointer?
        // Safe: SQLite copies the text, and hands out a statement that is finalized above or at the end.
        let code = sqlite3_prepare_v3(
            connection, SQLiteConnection.numbered(sql), -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil
        )
        guard code == SQLITE_OK, let statement else { throw Self.error(code, connection) }
        // Safe: a column's name is a text that lives until the next call about it, and is copied here.
        let columns = (0..<sqlite3_column_count(statement)).map { index in
            sqlite3_column_name(statement, index).map { String(cString: $0) } ?? ""
        }
        let prepared = Prepared(statement: statement, columns: columns)
        statements[sql] = prepared
        return prepared
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

    private static func value(_ statement: OpaquePointer, _ column: Int, _ names: [String]) throws -> SQLValue
    {
        let index = Int32(column)
        // Safe: the statement is on a row. A text has as many bytes as SQLite then says, and is copied.
        switch sqlite3_column_type(statement, index) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .int(sqlite3_column_int64(statement, index))
        case SQLITE_TEXT:
            let bytes = UnsafeBufferPointer(
                start: sqlite3_column_text(statement, index),
                count: Int(sqlite3_column_bytes(statement, index)))
            return .text(String(decoding: bytes, as: UTF8.self))
        default: throw CloudError.bug("column \(names[column]) is neither integer nor text")
        }
    }

    private static func error(_ code: Int32, _ connection: OpaquePointer?) -> DatabaseError {
        // Safe: the message of a connection, or of none, is a text that is copied here.
        let message = sqlite3_errmsg(connection).map { String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
}
