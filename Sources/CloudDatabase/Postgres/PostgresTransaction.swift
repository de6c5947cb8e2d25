import CloudCore

/// One run of a transaction's body on one connection.
struct PostgresTransaction {
    /// The statements before the first of the body.
    private let begin: String

    /// One consistent snapshot.
    static let read = PostgresTransaction(begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    /// As if it ran alone: the rules were written for one writer.
    static func write(_ name: DurableWrite) -> PostgresTransaction {
        let begin = "BEGIN ISOLATION LEVEL SERIALIZABLE"
        // The lock comes before the snapshot, which is taken by the first query: who waited for it sees what the one
        // before him did.
        return PostgresTransaction(
            begin: name.takesTurns ? "\(begin); LOCK TABLE cell IN SHARE UPDATE EXCLUSIVE MODE" : begin)
    }

    /// What became of it.
    enum Outcome<T: Sendable>: Sendable {
        case committed(T, tells: Bool)
        /// Nothing was done.
        case undone(any Error)
        /// The connection was lost while it committed.
        case inDoubt(T, PostgresCommit)
    }

    func run<T: Sendable>(
        on client: PostgresClient, _ body: (any SQLConnection) throws -> T
    ) -> Outcome<T> {
        let sql = PostgresConnection(client)
        do {
            try client.run(begin)
            let value = try body(sql)
            if let failure = sql.failure { throw failure }
            return try commit(value, sql, client)
        } catch {
            return undone(sql.failure ?? error, client)
        }
    }

    private func undone<T: Sendable>(_ reason: any Error, _ client: PostgresClient) -> Outcome<T> {
        client.undo(isFit: (reason as? PostgresError)?.remedy != .elsewhere)
        return .undone(reason)
    }

    private func commit<T: Sendable>(
        _ value: T, _ sql: PostgresConnection, _ client: PostgresClient
    ) throws -> Outcome<T> {
        guard sql.hasWritten else {
            try client.run("COMMIT")
            return .committed(value, tells: false)
        }
        let commit = PostgresCommit(token: client.nextToken(), tells: sql.tells)
        try commit.note(on: client)
        do {
            let tag = try client.run("COMMIT")
            // A transaction that has failed answers ROLLBACK, which is no error to the server.
            guard tag == "COMMIT" else { throw CloudError.bug("PostgreSQL answered COMMIT with \(tag)") }
            return .committed(value, tells: sql.tells)
        } catch let error as PostgresError where error.isLost {
            client.undo(isFit: false)
            return .inDoubt(value, commit)
        }
    }
}

extension DurableWrite {
    /// Those that look at what all computes or teams together hold, so that any two at once would be in each other's way:
    /// they run one after the other, rather than to be undone and run again.
    var takesTurns: Bool {
        switch self {
        case .createCompute, .createTeam, .createFirstTeam, .createCell, .transferDatabase: true
        case .deleteTeam, .createKey, .revokeKey, .noteKeyUse, .issueGuestToken, .changeCompute,
            .changeWallet, .changeHost, .suspendTeam, .resumeTeam, .quoteCompute, .registerHost, .heartbeat,
            .takeDuty, .reserveIds, .adoptHost, .noteOrphans,
            .lease, .giveBack, .supervise, .setPrices, .debit, .moveStanding, .enforceStanding, .saveImage,
            .saveDisk, .saveSeed, .saveNetwork, .saveBoot, .saveConfirm, .saveIdle, .saveShutdown,
            .saveStopping, .saveUnplug, .saveResize, .saveHalt, .saveDetach, .saveErase, .saveRelease,
            .saveDone, .beginMove, .cancelMove, .saveDeparture, .saveArrival, .saveCopy, .saveSwitched,
            .saveRefused, .saveLeaving, .saveCancelled, .saveReturned, .saveWithdrawn:
            false
        }
    }
}
