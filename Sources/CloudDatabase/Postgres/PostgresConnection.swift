import CloudCore

/// PostgreSQL's side of the portable connection, for the length of one transaction. Statements of which nothing is asked
/// are sent with the next one that is asked for something, or with the commit: a transaction has fewer round trips than
/// statements.
final class PostgresConnection: SQLConnection {
    private let client: PostgresClient
    /// Not sent yet, in order.
    private var queued: [PostgresStatement]
    /// What the first statement that failed was answered. PostgreSQL undoes the whole transaction then, whatever its body
    /// makes of the error.
    private(set) var failure: PostgresError?
    private(set) var hasWritten = false
    /// Whom the transaction concerns.
    private(set) var tidings = Tidings()

    /// Statements that are kept back at most: few enough that neither side waits for the other to read.
    static let mostQueued = 50

    /// - Parameter begin: what begins the transaction; none: the caller has done so.
    init(_ client: PostgresClient, begin: [String] = []) {
        self.client = client
        queued = begin.map { PostgresStatement(sql: $0, isPlain: true) }
    }

    var dialect: Dialect { .postgres }

    func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        try run(sql, arguments).rows()
    }

    func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
        try run(sql, arguments).count
    }

    func later(_ sql: String, _ arguments: [any SQLArgument]) throws {
        if let failure { throw failure }
        guard queued.count < Self.mostQueued else { return _ = try run(sql, arguments) }
        queued.append(PostgresStatement(sql: sql, arguments: arguments.map(\.sqlValue)))
    }

    func tell(_ tiding: Tiding) { tidings.add(tiding) }

    private func run(_ sql: String, _ arguments: [any SQLArgument]) throws -> PostgresResult {
        try send([PostgresStatement(sql: sql, arguments: arguments.map(\.sqlValue))])
    }

    /// Sends what was kept back and then `statements`, of which there is at least one, and returns the last one's answer.
    func send(_ statements: [PostgresStatement]) throws -> PostgresResult {
        if let failure { throw failure }
        let all = queued + statements
        queued = []
        do {
            let results = try client.run(all)
            hasWritten = hasWritten || results.contains(where: \.hasWritten)
            guard let last = results.last else { throw CloudError.bug("no statement was sent") }
            return last
        } catch let error as PostgresError {
            failure = error
            throw error
        }
    }

    /// Sends what was kept back, for whoever commits by himself.
    func sendQueued() throws {
        if let last = queued.popLast() { _ = try send([last]) }
    }

    /// Whether the transaction has changed something, as far as that is known before it commits.
    var mayHaveWritten: Bool { hasWritten || queued.contains { !$0.isPlain } }
    /// Whether the transaction's beginning is still to be sent.
    var hasBegun: Bool { queued.first?.isPlain != true }
}

/// One statement on its way to the server.
struct PostgresStatement {
    var sql: String
    var arguments: [SQLValue] = []
    /// One that begins or ends a transaction, which is not worth to be prepared.
    var isPlain = false
}
