import CPostgres
import CloudCore

/// One connection to PostgreSQL, with blocking calls: it stays on one thread.
package final class PostgresClient {
    let connection: OpaquePointer
    /// Names of prepared statements, by types and text.
    private var statements: [String: String] = [:]
    /// What the tokens of this connection's commits begin with: nobody else's do.
    private let name =
        String(UInt64.random(in: .min ... .max), radix: 36) + "-"
        + String(UInt64.random(in: .min ... .max), radix: 36)
    private var commits = 0

    /// Prepared statements that are kept. There are fewer different ones, but for lists of ids of every length.
    static let mostStatements = 300
    // Type OIDs (pg_type.dat).
    private static let int8: Oid = 20
    private static let text: Oid = 25

    /// Connects, within `PostgresSettings.connectTimeout` for each address.
    package init(_ settings: PostgresSettings) throws {
        let parameters = settings.parameters
        let names = CStrings(parameters.map(\.name) + [nil])
        let values = CStrings(parameters.map(\.value) + [nil])
        // Safe: both arrays outlive the call and end with NULL. The result is freed by deinit, and is NULL only without
        // memory.
        guard let connection = PQconnectdbParams(names.pointers, values.pointers, 1) else {
            throw PostgresError(state: "53200", message: "no memory for a connection", isLost: true)
        }
        self.connection = connection
        // Safe: the function takes nothing of ours with it. Warnings would else go to standard error.
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        guard PQstatus(connection) == CONNECTION_OK else {
            throw PostgresError(state: "08001", message: lastMessage, isLost: true)
        }
        try run(PostgresSettings.session)
    }

    // Safe: nobody else has the connection.
    deinit { PQfinish(connection) }

    /// Whether it is of no use any more.
    var isLost: Bool { isUnfit || PQstatus(connection) != CONNECTION_OK }
    private var isUnfit = false

    /// A name for one commit, given out once.
    func nextToken() -> String {
        commits += 1
        return "\(name)-\(commits)"
    }

    /// Ends the transaction without its changes.
    /// - Parameter isFit: false: the connection is not to be used again.
    ///
    /// What can't be undone by ROLLBACK is undone by the server when the connection is closed.
    func undo(isFit: Bool) {
        guard isFit, !isLost else {
            isUnfit = true
            return
        }
        do { try run("ROLLBACK") } catch { isUnfit = true }
    }

    /// For `poll`, as long as the connection is not lost.
    var socket: Int32 { PQsocket(connection) }
    /// The server's process for this connection.
    var processId: Int32 { PQbackendPID(connection) }

    /// Runs statements without arguments, and returns the last one's tag, such as `COMMIT`.
    @discardableResult
    package func run(_ sql: String) throws -> String {
        // Safe: the text outlives the call; the result is freed by PostgresResult.
        try PostgresResult(PQexec(connection, sql), of: self).tag
    }

    /// The one value of the one row; empty when it is NULL.
    package func value(_ sql: String) throws -> String {
        // Safe: as above.
        try PostgresResult(PQexec(connection, sql), of: self).firstText
    }

    /// Runs one statement with its arguments bound.
    func run(_ sql: String, _ arguments: [SQLValue]) throws -> PostgresResult {
        let name = try prepared(sql, arguments)
        let texts = CStrings(try arguments.map(Self.text))
        // Safe: name and texts outlive the call, and there are as many as the count says; no lengths and no formats mean
        // texts that end with NUL.
        return try PostgresResult(
            PQexecPrepared(connection, name, Int32(arguments.count), texts.pointers, nil, nil, 0), of: self)
    }

    func prepared(_ sql: String, _ arguments: [SQLValue]) throws -> String {
        let key = String(arguments.map(Self.letter)) + " " + sql
        if let name = statements[key] { return name }
        if statements.count >= Self.mostStatements {
            try run("DEALLOCATE ALL")
            statements = [:]
        }
        let name = "s\(statements.count)"
        // NULL has the type that the statement wants.
        let types = arguments.map { argument -> Oid in
            switch argument {
            case .null: 0
            case .int: Self.int8
            case .text: Self.text
            }
        }
        // Safe: name, text and types outlive the call, and there are as many types as the count says.
        _ = try PostgresResult(
            PQprepare(connection, name, sql, Int32(types.count), types), of: self)
        statements[key] = name
        return name
    }

    private static func letter(_ value: SQLValue) -> Character {
        switch value {
        case .null: "0"
        case .int: "i"
        case .text: "t"
        }
    }

    static func text(_ value: SQLValue) throws -> String? {
        switch value {
        case .null: return nil
        case .int(let int): return String(int)
        case .text(let text):
            guard !text.utf8.contains(0) else {
                throw CloudError(
                    .validationError,
                    "A text holds the character U+0000, which the database can't keep. Leave it out.")
            }
            return text
        }
    }

    // MARK: Notifications

    /// Reads what the server has sent, and returns the notifications among it. Does not wait. Throws when the connection is
    /// lost.
    func notifications() throws -> [PostgresNotification] {
        // Safe: takes our connection alone.
        guard PQconsumeInput(connection) == 1 else {
            throw PostgresError(state: "08006", message: lastMessage, isLost: true)
        }
        var notifications: [PostgresNotification] = []
        // As often as there are notifications in what was read.
        while let notification = PQnotifies(connection) {
            // Safe: copied before libpq's memory, which it gave to us to free, is freed, once.
            notifications.append(
                PostgresNotification(
                    channel: String(cString: notification.pointee.relname),
                    text: String(cString: notification.pointee.extra), process: notification.pointee.be_pid))
            PQfreemem(notification)
        }
        return notifications
    }

    /// libpq's own words on what went wrong last.
    var lastMessage: String {
        // Safe: copied before the next call can change it.
        String(cString: PQerrorMessage(connection)).trimmed
    }
}

/// What another connection has told.
struct PostgresNotification {
    var channel: String
    var text: String
    /// The server's process for the connection that told it.
    var process: Int32
}

extension String {
    /// Without the line end that libpq's messages have.
    fileprivate var trimmed: String {
        split(separator: "\n").joined(separator: " ")
    }
}
