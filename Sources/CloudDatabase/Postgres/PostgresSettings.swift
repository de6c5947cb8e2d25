import CPostgres
import CloudCore

/// How PostgreSQL is reached, and how long anything may take.
package struct PostgresSettings: Sendable {
    /// A connection string as libpq reads it, a URI or `key=value` pairs
    /// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING). May hold a password: never to be
    /// shown.
    let connection: String
    /// Connections for reads and writes. One more listens.
    var connections = 8

    /// Seconds until a connection is given up that does not come about, for each address.
    static let connectTimeout = 3
    /// Milliseconds that a peer may leave what was sent to it unanswered, before the connection counts as lost.
    static let unansweredMs = 10_000
    /// Milliseconds that one statement may take.
    static let statementMs = 15_000
    /// Milliseconds that a statement may wait for another transaction.
    static let lockMs = 5_000
    /// Milliseconds that a transaction may do nothing, before the server ends it: its program hangs.
    static let idleInTransactionMs = 20_000
    /// How long a transaction may wait for a connection.
    static let waitLimit = Duration.seconds(5)
    /// Transactions that may wait for a connection at once.
    static let mostWaiting = 4096

    /// Throws `VALIDATION_ERROR` for what is no connection string.
    package init(connection: String) throws {
        // What stands behind an unescaped @ would be taken for the host, and told in errors.
        let authority = connection.split(separator: "://", maxSplits: 1).dropFirst().first?.prefix {
            $0 != "/"
        }
        let isPlain = (authority ?? "").count { $0 == "@" } < 2
        // Safe: reads a text that outlives the call, and returns memory of its own, which is freed at once.
        let options = PQconninfoParse(connection, nil)
        defer { PQconninfoFree(options) }
        guard isPlain, options != nil, !connection.contains("\0") else {
            // libpq's own words would quote the password.
            throw CloudError.invalid([
                Problem(
                    "database",
                    "is no connection string of PostgreSQL's. Give one such as "
                        + "postgresql://strettch@db.example/strettch?sslmode=verify-full, with special characters of a "
                        + "password as %40.")
            ])
        }
        self.connection = connection
    }

    /// What a connection is made with. What the operator's string says has precedence, since it comes last.
    var parameters: [(name: String, value: String)] {
        [
            ("application_name", "strettch"), ("connect_timeout", "\(Self.connectTimeout)"),
            ("keepalives_idle", "10"), ("keepalives_interval", "3"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "\(Self.unansweredMs)"), ("target_session_attrs", "read-write"),
            ("client_encoding", "UTF8"), ("dbname", connection),
        ]
    }

    /// The first statements on each connection.
    ///
    /// A look at a whole small table would be faster, but under SERIALIZABLE it is a look at every row, and conflicts with
    /// every other transaction that changes one: so indexes are used wherever there is one. To start other processes for
    /// a query costs more than any of ours.
    static let session = """
        SET statement_timeout = \(statementMs);
        SET lock_timeout = \(lockMs);
        SET idle_in_transaction_session_timeout = \(idleInTransactionMs);
        SET enable_seqscan = off;
        SET max_parallel_workers_per_gather = 0;
        SET jit = off;
        SET client_min_messages = warning
        """
}
