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
            let reason = sql.failure ?? error
            client.undo(isFit: (reason as? PostgresError)?.remedy != .elsewhere)
            return .undone(reason)
        }
    }

    private func commit<T: Sendable>(
        _ value: T, _ sql: PostgresConnection, _ client: PostgresClient
    ) throws -> Outcome<T> {
        guard sql.hasWritten else {
            try client.run("COMMIT")
            return .committed(value, tells: false)
        }
        // Known before the commit is sent, so that its fate can be asked for.
        let commit = PostgresCommit(
            transaction: try client.value("SELECT pg_current_xact_id_if_assigned()"), lineage: client.lineage,
            tells: sql.tells)
        do {
            let tag = try client.run("COMMIT")
            // A transaction that has failed answers ROLLBACK, which is no error to the server.
            guard tag == "COMMIT" else { throw CloudError.bug("PostgreSQL answered COMMIT with \(tag)") }
            return .committed(value, tells: sql.tells)
        } catch let error as PostgresError where error.isLost {
            return .inDoubt(value, commit)
        }
    }
}

/// A commit that was sent and never answered.
struct PostgresCommit: Sendable {
    /// `pg_current_xact_id()`.
    var transaction: String
    /// The server, and the timeline of its log, that the number is of.
    var lineage: String
    var tells: Bool

    enum Fate: Sendable {
        case committed, undone
        /// The server still works on it.
        case underWay
        /// The number says nothing here: another server has taken over, or it was too long ago.
        case unknown
    }

    /// Asks the server what became of it, on another connection.
    func fate(on client: PostgresClient) throws -> Fate {
        guard client.lineage == lineage else { return .unknown }
        // A number, as the server itself gave it to us.
        switch try client.value("SELECT pg_xact_status('\(transaction)')") {
        case "committed": return .committed
        case "aborted": return .undone
        case "in progress": return .underWay
        default: return .unknown
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
            .saveDone:
            false
        }
    }
}
