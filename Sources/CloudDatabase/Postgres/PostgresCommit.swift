import CloudCore

/// A commit that can be asked for when its answer is lost: each transaction that writes leaves a row with a token of its own
/// in `commits`, which is there if and only if the transaction was committed.
///
/// The server's own number of the transaction would not do: after a crash, or on a server that takes over, another one
/// may get the same.
struct PostgresCommit: Sendable {
    /// Of this commit alone.
    var token: String
    /// What others are told when it was made.
    var tidings: Tidings

    /// How long a row is kept, in the server's words: longer than anybody asks for it.
    static let kept = "15 minutes"

    /// The row, written last of all in its transaction.
    var note: PostgresStatement {
        PostgresStatement(
            sql: "INSERT INTO commits (token, is_undone) VALUES ($1, 0)", arguments: [.text(token)])
    }

    /// Whether it was made, asked on another connection. What was not made by now never will be: the row is written in
    /// its place, and would be in its way. Waits, within bounds, for a server that still works on it.
    func wasMade(on client: PostgresClient) throws -> Bool {
        _ = try client.run(
            "INSERT INTO commits (token, is_undone) VALUES ($1, 1) ON CONFLICT (token) DO NOTHING",
            [.text(token)])
        let rows = try client.run("SELECT is_undone FROM commits WHERE token = $1", [.text(token)]).rows()
        guard let row = rows.first else { throw CloudError.bug("the row of commit \(token) is gone") }
        return try row.int("is_undone") == 0
    }

    /// Forgets what nobody asks for any more.
    static func forget(on client: PostgresClient) throws {
        try client.run("DELETE FROM commits WHERE at < now() - INTERVAL '\(kept)'")
    }
}
