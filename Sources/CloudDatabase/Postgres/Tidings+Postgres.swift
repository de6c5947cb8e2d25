/// Tidings as PostgreSQL's notifications carry them to other programs.
extension Tidings {
    /// PostgreSQL takes a text of less than 8,000 bytes
    /// (https://www.postgresql.org/docs/current/sql-notify.html).
    private static let mostBytes = 7900

    /// Tells them; `nil`: there are none. The hosts of jobs are looked up here, where nobody waits for it.
    var statement: String? {
        var parts: [String] = []
        if !teams.isEmpty {
            parts.append("SELECT pg_notify('\(PostgresListener.channel)', '\(Self.text(of: concerned))')")
        }
        if !due.isEmpty {
            parts.append(
                """
                SELECT pg_notify('\(PostgresListener.hostChannel)' || host_id, '') FROM (
                    SELECT DISTINCT host_id FROM jobs
                    WHERE resource_id IN (\(due.map(String.init).joined(separator: ", "))) AND host_id IS NOT NULL
                ) AS hosts
                """)
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    /// The ids; empty when they are too many, which concerns all.
    static func text(of teams: Set<Int64>?) -> String {
        let text = teams.map { $0.sorted().map(String.init).joined(separator: ",") } ?? ""
        return text.utf8.count <= mostBytes ? text : ""
    }

    /// The teams of such texts; `nil`: any may be concerned.
    static func teams(_ texts: [String]) -> Set<Int64>? {
        var teams: Set<Int64> = []
        for text in texts {
            let ids = text.split(separator: ",").compactMap { Int64($0) }
            guard !ids.isEmpty else { return nil }
            teams.formUnion(ids)
        }
        return teams
    }
}
