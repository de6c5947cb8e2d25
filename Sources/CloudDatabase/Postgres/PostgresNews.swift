/// What a commit has for others on the same database.
struct PostgresNews: Sendable, Equatable {
    /// What `Changes` tells of.
    var isChange = false
    /// Computes whose jobs or moves were made due: their hosts' workers are told. Once there are too many, all look by themselves.
    var computes: Set<Int64> = []

    static let mostComputes = 1000

    var isAny: Bool { isChange || !computes.isEmpty }

    mutating func add(_ more: PostgresNews) {
        isChange = isChange || more.isChange
        if computes.count < Self.mostComputes { computes.formUnion(more.computes) }
    }

    /// What a statement that was run has for others.
    init(_ statement: PostgresStatement) {
        isChange = Changes.areMade(by: statement.sql)
        guard Self.makesDue.contains(where: statement.sql.hasPrefix),
            case .int(let compute) = statement.arguments.first
        else { return }
        computes = [compute]
    }

    init() {}

    /// How the statements begin by which an action or a move begins, or goes to another host; their first argument is the
    /// compute's id.
    static let makesDue = [
        "INSERT INTO jobs", "UPDATE jobs SET action = $2, due_at_ms", "UPDATE jobs SET host_id",
        "INSERT INTO moves", "UPDATE moves SET phase",
    ]

    /// Tells it. The hosts are looked up here, where nobody waits for it.
    var statement: String {
        var parts: [String] = []
        if isChange { parts.append("SELECT pg_notify('\(PostgresListener.channel)', '')") }
        if !computes.isEmpty {
            let ids = computes.map { String($0) }.joined(separator: ", ")
            parts.append(
                """
                SELECT pg_notify('\(PostgresListener.hostChannel)' || host_id, '')
                FROM (
                    SELECT host_id FROM jobs WHERE compute_id IN (\(ids))
                    UNION SELECT source_host_id FROM moves WHERE compute_id IN (\(ids))
                    UNION SELECT destination_host_id FROM moves WHERE compute_id IN (\(ids))
                ) AS hosts WHERE host_id IS NOT NULL
                """)
        }
        return parts.joined(separator: "; ")
    }
}
