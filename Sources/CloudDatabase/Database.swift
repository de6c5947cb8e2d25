import CloudCore

/// The one shared memory of the project. Queries are written once, in the SQL that SQLite and PostgreSQL share, with
/// `$1` placeholders.
public protocol Database: Sendable {
    /// Runs `body` on one consistent snapshot. The closure is synchronous: nothing waits inside a transaction.
    func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T

    /// The same for a look at a few rows, a page at most, each found by an index: where that takes less time than going to
    /// another thread and back, it is made on the caller's own.
    func glance<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T

    /// Runs `body` in one transaction: committed and synced to disk when this returns, undone when `body` throws.
    /// `body` may run more than once, so it may not have effects outside of the database.
    func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T

    /// Signalled after each write that told of teams (`Tiding`). Other processes write too, so who waits by it also looks
    /// now and then.
    var changes: Changes { get }
}

extension Database {
    public func glance<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T { try await read(body) }
}

/// One connection inside a transaction. Never leaves the closure that it was given to.
public protocol SQLConnection {
    /// Which engine it is: for the few words in which they differ.
    var dialect: Dialect { get }

    func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow]

    /// The number of rows changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int

    /// The same for a statement of which nothing is asked: it has run before the next that is asked for something, and
    /// before the commit. So it need not have a round trip of its own, and what it throws may be thrown by the next.
    func later(_ sql: String, _ arguments: [any SQLArgument]) throws

    /// Notes whom the transaction concerns. It is told after the commit, and never when there is none.
    func tell(_ tiding: Tiding)
}

extension SQLConnection {
    public func later(_ sql: String, _ arguments: [any SQLArgument]) throws { try execute(sql, arguments) }

    /// Milliseconds since 1970 by the clock of the database's server; `nil` where it has no other than ours.
    public func nowMs() throws -> Int64? { try dialect.nowMs.map { try query($0)[0].int("now_ms") } }

    public func query(_ sql: String) throws -> [SQLRow] { try query(sql, []) }

    @discardableResult
    public func execute(_ sql: String) throws -> Int { try execute(sql, []) }
}

/// A value as both engines know it. Times are milliseconds since 1970 in a BIGINT, truth values 0 and 1.
public enum SQLValue: Sendable, Equatable {
    case null
    case int(Int64)
    case text(String)
}

/// What can be bound to a placeholder.
public protocol SQLArgument: Sendable {
    var sqlValue: SQLValue { get }
}

extension SQLValue: SQLArgument { public var sqlValue: SQLValue { self } }
extension String: SQLArgument { public var sqlValue: SQLValue { .text(self) } }
extension Int64: SQLArgument { public var sqlValue: SQLValue { .int(self) } }
extension Int: SQLArgument { public var sqlValue: SQLValue { .int(Int64(self)) } }
extension Bool: SQLArgument { public var sqlValue: SQLValue { .int(self ? 1 : 0) } }
extension IPv4Address: SQLArgument { public var sqlValue: SQLValue { .int(Int64(value)) } }
extension Optional: SQLArgument where Wrapped: SQLArgument {
    public var sqlValue: SQLValue { self?.sqlValue ?? .null }
}
