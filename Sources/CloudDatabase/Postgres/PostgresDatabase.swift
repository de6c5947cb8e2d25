import CloudCore

/// The engine for many machines: any number of programs against one PostgreSQL.
public final class PostgresDatabase: Database {
    private let pool: PostgresPool
    private let listener: PostgresListener
    public let changes: Changes

    /// Looks at a commit that was never answered. With their pauses they take half a minute, which a restart of the
    /// server after a crash does not.
    static let mostLooks = 24

    /// Connects, and brings the schema up to date, while any other program that starts waits.
    /// - Parameters:
    ///   - connection: as libpq reads it, a URI or `key=value` pairs. A password in it is never shown.
    ///   - connections: how many transactions may run at once.
    ///   - hearsChanges: whether `changes` is signalled for what other programs commit, which a program that serves no API
    ///     has no use for.
    /// Throws `VALIDATION_ERROR` for what is no connection string, `SERVICE_UNAVAILABLE` when PostgreSQL can't be reached,
    /// and a `CloudError` with the remedy when the database can't be used.
    public init(connection: String, connections: Int = 8, hearsChanges: Bool = true) throws {
        var settings = try PostgresSettings(connection: connection)
        settings.connections = connections
        try PostgresSchema(settings: settings).upgrade()
        let changes = Changes()
        self.changes = changes
        listener = PostgresListener(
            settings, hearsChanges: hearsChanges, onChange: { changes.signal($0) })
        pool = PostgresPool(settings)
    }

    deinit { close() }

    /// Lets all connections end. Whatever is asked of it afterwards is refused.
    public func close() {
        listener.end()
        pool.end()
    }

    /// Transactions that wait for a connection.
    public var waitingWrites: Int { pool.waiting }

    public func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        var patience = PostgresPatience()
        // As often as `patience` lasts.
        while true {
            switch try await pool.run({ client in PostgresTransaction.read.run(on: client, body) }) {
            case .committed(let value, _), .inDoubt(let value, _): return value
            case .undone(let error): try await patience.pause(after: error)
            }
        }
    }

    public func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        var patience = PostgresPatience()
        // As often as `patience` lasts.
        while true {
            switch try await pool.run({ client in PostgresTransaction.write(name).run(on: client, body) }) {
            case .committed(let value, let tidings):
                tell(tidings)
                return value
            case .undone(let error): try await patience.pause(after: error)
            case .inDoubt(let value, let commit):
                if try await isCommitted(commit) {
                    tell(commit.tidings)
                    return value
                }
                try await patience.pause(after: Self.lost)
            }
        }
    }

    /// Here at once, and in all other programs soon.
    private func tell(_ tidings: Tidings) {
        guard !tidings.isEmpty else { return }
        if !tidings.teams.isEmpty { changes.signal(tidings.concerned) }
        listener.tell(tidings)
    }

    /// Signalled when a job of the host may have fallen due by what another program has committed. To be asked for once.
    public func jobs(ofHost hostId: Int64) -> Changes {
        let jobs = Changes()
        listener.listen(toHost: hostId) { _ in jobs.signal() }
        return jobs
    }

    /// Whether a commit that was never answered was made: the server itself says so, as soon as it is back. Throws
    /// `SERVICE_UNAVAILABLE` when it is away for too long.
    private func isCommitted(_ commit: PostgresCommit) async throws -> Bool {
        for look in 0..<Self.mostLooks {
            if let isCommitted = try await answer(commit) { return isCommitted }
            try await Task.sleep(for: .milliseconds(min(2000, 20 << min(look, 7))))
        }
        throw CloudError(
            .serviceUnavailable,
            "The server lost its database while this was saved: it may be done, or not. Look, or send it again with the "
                + "same Idempotency-Key.",
            detail: "nobody says what became of a commit")
    }

    /// `nil`: nobody answers now.
    private func answer(_ commit: PostgresCommit) async throws -> Bool? {
        do {
            return try await pool.run { client in try commit.wasMade(on: client) }
        } catch let error as PostgresError where error.remedy != .none {
            return nil
        } catch let error as CloudError where error.code == .serviceUnavailable {
            return nil
        }
    }

    private static let lost = PostgresError(state: "08006", message: "lost in a commit", isLost: true)
}
