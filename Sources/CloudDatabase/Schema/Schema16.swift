import FoundationEssentials

extension Migrations {
    /// Idempotency keys have a digest of each member of their request, in place of the whole of it.
    @Sendable
    static func schema16(_ dialect: Dialect) -> [String] { [] }

    /// Rows that are read at once: each may have a body of 64 KiB.
    private static let requestBatch = 100

    /// Replaces each request that is kept by its digests, so that every key goes on to be answered again, and to tell
    /// another request from its own.
    @Sendable
    static func digestRequests(_ sql: any SQLConnection) throws {
        var (teamId, endpoint, key): (Int64, String, String) = (0, "", "")
        while true {
            let rows = try sql.query(
                """
                SELECT team_id, endpoint, idempotency_key, request FROM idempotency_keys
                WHERE (team_id, endpoint, idempotency_key) > ($1, $2, $3)
                ORDER BY team_id, endpoint, idempotency_key LIMIT $4
                """,
                [teamId, endpoint, key, requestBatch])
            for row in rows {
                (teamId, endpoint, key) = (
                    try row.int("team_id"), try row.text("endpoint"), try row.text("idempotency_key")
                )
                let sent = try JSONDecoder().decode(
                    [String: String].self, from: Data(try row.text("request").utf8))
                let digest = RequestDigest(
                    of: known(sent, endpoint), teamId: teamId, endpoint: endpoint, key: key)
                try sql.later(
                    """
                    UPDATE idempotency_keys SET request = $4
                    WHERE team_id = $1 AND endpoint = $2 AND idempotency_key = $3
                    """,
                    [teamId, endpoint, key, digest.text])
            }
            if rows.count < requestBatch { return }
        }
    }

    /// The members that meant something when the migration was written; the others were kept too.
    private static func known(_ sent: [String: String], _ endpoint: String) -> [String: String] {
        let names: Set<String> =
            if endpoint == "POST /computes" {
                [
                    "hostName", "image", "region", "specification", "specificationId", "publicKeys", "tags",
                    "withPublicIp", "userData", "deletionProtection",
                ]
            } else if endpoint.hasSuffix("/upsize") {
                ["newSpecification", "newSpecificationId"]
            } else {
                ["hostName", "tags", "deletionProtection"]
            }
        var known = sent.filter { names.contains($0.key) && $0.value != "null" }
        for newer in ["specification", "newSpecification"] where known[newer] != nil {
            known["\(newer)Id"] = nil
        }
        return known
    }
}
