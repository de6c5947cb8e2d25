import CloudCore

/// What PostgreSQL, or the connection to it, answered in place of a result.
struct PostgresError: Error, Sendable, Equatable, CustomStringConvertible {
    /// SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html); empty when the server said none.
    var state: String
    /// For the log. Never holds a password: libpq's own words, of a connection string that was checked before.
    var message: String
    /// The connection is of no use any more.
    var isLost: Bool

    /// What the caller of a transaction does about it. Nothing was done in each case.
    enum Remedy: Equatable {
        /// Two transactions were in each other's way. Running the whole of it again settles it.
        case again
        /// The connection is gone, or no longer what it was. The same on another one.
        case elsewhere
        /// The server has no room or time now.
        case later
        /// The disk is full.
        case space
        /// A statement of ours is wrong, or what it wants is against a constraint.
        case none
    }

    var remedy: Remedy {
        switch state {
        // Serialization failure; deadlock. A unique violation too: every verb looks whether a name, key or address is
        // taken before it takes it, so one that meets a row which it did not see was overtaken, and sees it next time
        // (https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html).
        case "40001", "40P01", "23505": .again
        case "53100": .space
        // Lock timeout, statement timeout; no memory, no room for locks, no more connections; still starting.
        case "55P03", "57014", "53200", "53400", "53300", "57P03": .later
        default: isLost || Self.unfit.contains(state) ? .elsewhere : .none
        }
    }

    /// The connection works, but not for us: it leads to a standby since a failover (25006), has forgotten its prepared
    /// statements (26000), or has old ones of a table that was changed (0A000).
    private static let unfit: Set = ["25006", "26000", "0A000"]

    /// Those that end a connection, before libpq has noticed: shutdown, crash, idle in a transaction for too long.
    static func ends(_ state: String) -> Bool {
        state.hasPrefix("08") || ["57P01", "57P02", "57P05", "25P03"].contains(state)
    }

    var description: String { state.isEmpty ? message : "\(state) \(message)" }

    /// What it means to who asked.
    var cloudError: CloudError {
        switch remedy {
        case .again where state != "23505", .later:
            CloudError(
                .serviceUnavailable, "The database is busy. Try again. Nothing was done.", detail: description
            )
        case .space:
            CloudError(
                .serviceUnavailable,
                "The disk of the server's database is full. Ask the operator for free space, and try again. "
                    + "Nothing was done.", detail: description)
        case .elsewhere: .databaseAway(description)
        case .again, .none: CloudError.bug("PostgreSQL: \(description)")
        }
    }
}

extension CloudError {
    /// PostgreSQL can't be reached.
    static func databaseAway(_ detail: String) -> CloudError {
        CloudError(
            .serviceUnavailable,
            "The server can't reach its database. Try again; if it stays so, ask the operator to look at the database. "
                + "Nothing was done.", detail: detail)
    }
}
