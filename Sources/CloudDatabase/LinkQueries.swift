import CloudCore

extension SQLConnection {
    public var links: LinkQueries { LinkQueries(sql: self) }
}

/// Which programs of the cell may connect to each other, by the fingerprints of their certificates.
///
/// A host's program is accepted as long as the host has the epoch that the program got: one that was removed, evacuated or
/// taken over by another worker is out with the transaction that did it. A program without a host is accepted as long as it
/// says that it lives.
public struct LinkQueries {
    let sql: any SQLConnection

    private static let select = """
        SELECT l.* FROM links l LEFT JOIN hosts h ON h.id = l.host_id
        WHERE ((l.host_id IS NULL AND l.seen_at_ms >= $1) OR (h.epoch = l.epoch AND h.state <> 'REMOVED'))
        """

    /// The program with that certificate, if it is accepted now.
    public func accepted(_ fingerprint: String, nowMs: Int64) throws -> LinkRecord? {
        try sql.query("\(Self.select) AND l.fingerprint = $2", [nowMs - LinkRecord.aliveMs, fingerprint])
            .first.map(Self.link)
    }

    /// Those of the fingerprints that are accepted now.
    public func accepted(of fingerprints: Set<String>, nowMs: Int64) throws -> Set<String> {
        guard !fingerprints.isEmpty else { return [] }
        let places = (2...fingerprints.count + 1).map { "$\($0)" }.joined(separator: ", ")
        let rows = try sql.query(
            "\(Self.select) AND l.fingerprint IN (\(places))",
            [nowMs - LinkRecord.aliveMs] + fingerprints.sorted())
        return Set(try rows.map { try $0.text("fingerprint") })
    }

    /// The program that owns the host now; `nil`: it has not said how it is reached.
    public func of(hostId: Int64) throws -> LinkRecord? {
        try sql.query(
            "SELECT l.* FROM links l JOIN hosts h ON h.id = l.host_id AND h.epoch = l.epoch WHERE l.host_id = $1",
            [hostId]
        ).first.map(Self.link)
    }

    /// Of each host whose program has said how it is reached, by the host's id.
    public func ofHosts() throws -> [Int64: LinkRecord] {
        let rows = try sql.query(
            "SELECT l.* FROM links l JOIN hosts h ON h.id = l.host_id AND h.epoch = l.epoch WHERE h.state <> 'REMOVED'"
        )
        return Dictionary(
            try rows.map(Self.link).compactMap { link in link.host.map { ($0.id, link) } }
        ) { first, _ in first }
    }

    /// Names the program, in place of the one that its host had before. It also forgets programs that have not said for long
    /// that they live.
    public func set(_ link: LinkRecord, nowMs: Int64) throws {
        try sql.execute(
            "DELETE FROM links WHERE (host_id = $1 AND fingerprint <> $2) OR (host_id IS NULL AND seen_at_ms < $3)",
            [link.host?.id, link.fingerprint, nowMs - LinkRecord.aliveMs])
        try sql.execute(
            """
            INSERT INTO links (fingerprint, host_id, epoch, answers_api, name, address, seen_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (fingerprint) DO UPDATE SET host_id = excluded.host_id, epoch = excluded.epoch,
                answers_api = excluded.answers_api, name = excluded.name, address = excluded.address,
                seen_at_ms = excluded.seen_at_ms
            """,
            [
                link.fingerprint, link.host?.id, link.host?.epoch, link.answersAPI, link.name,
                link.address?.description, nowMs,
            ])
    }

    private static func link(_ row: SQLRow) throws -> LinkRecord {
        let (hostId, epoch) = (try row.intOrNil("host_id"), try row.intOrNil("epoch"))
        let host: OwnedHost? = if let hostId, let epoch { OwnedHost(id: hostId, epoch: epoch) } else { nil }
        return LinkRecord(
            fingerprint: try row.text("fingerprint"), host: host,
            answersAPI: try row.int("answers_api") != 0, name: try row.text("name"),
            address: try row.textOrNil("address").flatMap { IPv4Endpoint($0) })
    }
}
