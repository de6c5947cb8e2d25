import CloudClient
import Foundation
import GRDB

/// A cell with many computes, as its rows alone: written into a SQLite database of the program's own schema, in one
/// transaction, with all that the audit wants to find beside each compute.
///
/// The computes are on a host of their own that is not there: what is measured is what their number costs a database and an
/// API, and the server that answers has no machines to see to. Its heartbeat lies far ahead, so that it is not DOWN.
struct Population: Sendable {
    /// All of them, DESTROYED ones too; ids from 1 on.
    var computes: Int
    var teams: Int

    /// Every tenth compute is of the first team, whose key the server's first start has made; the others have equal parts.
    static let bigTeamShare = 10
    /// Of twenty computes in a row, those that are not RUNNING: one DESTROYED, two STOPPED.
    private static let destroyed = 19
    private static let stopped = [7, 13]
    /// Half of all computes have the tag `web`; each has one of so many `group-…`.
    static let groups = 1000

    private static let startedMs: Int64 = 1_700_000_000_000
    private static let farAheadMs: Int64 = 9_000_000_000_000
    private static let publicKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3G5Cb0Nq1mU1m0q3x8J0oJtYk6h1rYb2m8z0m1Qx5k bench"
    /// KiB that SQLite may keep in memory while it writes.
    private static let cacheKb = 400_000

    /// Ids of the first team's computes that are not DESTROYED, newest first.
    var bigTeam: [Int] {
        stride(from: computes, through: 1, by: -1).filter {
            $0 % Self.bigTeamShare == 0 && Self.isLive($0)
        }
    }

    static func isLive(_ id: Int) -> Bool { id / bigTeamShare % 20 != destroyed }
    static func hostName(_ id: Int) -> String { "host-\(id)" }
    static func group(_ id: Int) -> String { "group-\(id / bigTeamShare % groups)" }

    /// Fills the database of a server that has started once, is new, and does not run.
    func fill(_ path: String) throws {
        var configuration = Configuration()
        // Each row refers to one that is inserted before it or with it; looking 5,000,000 up takes longer than writing them.
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            try db.execute(
                sql:
                    "PRAGMA cache_size = -\(Self.cacheKb); PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY"
            )
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.write { db in
            for statement in statements { try db.execute(sql: statement) }
        }
        try queue.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        try queue.close()
    }

    // MARK: Rows

    private var statements: [String] { [host] + teamRows + computeRows + rowsOfComputes }

    private var host: String {
        """
        INSERT INTO hosts (identity, name, state, heartbeat_ms) VALUES ('population', 'population', 'ACTIVE',
            \(Self.farAheadMs))
        """
    }

    /// The first team gets a network for 130,000 computes, the others their own behind it.
    private var teamRows: [String] {
        let numbers = numbers(to: teams - 1)
        return [
            "UPDATE teams SET network_base = \(10 << 24), network_prefix = 15 WHERE id = 1",
            """
            INSERT INTO teams (name, network_base, network_prefix, created_at_ms)
            \(numbers) SELECT 'team-' || n, \(10 << 24 + 1 << 17) + (n - 1) * 1024, 22, \(Self.startedMs) FROM numbers
            """,
            """
            INSERT INTO wallets (team_id, balance_milli_rwf, standing, standing_since_ms)
            SELECT id, 0, 'ACTIVE', created_at_ms FROM teams WHERE id > 1
            """,
        ]
    }

    private var computeRows: [String] {
        let state = """
            CASE WHEN n / \(Self.bigTeamShare) % 20 = \(Self.destroyed) THEN 'DESTROYED'
                WHEN n / \(Self.bigTeamShare) % 20 IN (\(Self.stopped.map(String.init).joined(separator: ", ")))
                THEN 'STOPPED' ELSE 'RUNNING' END
            """
        return [
            """
            CREATE TEMP TABLE population AS \(numbers(to: computes)) SELECT n AS id,
                CASE n % \(Self.bigTeamShare) WHEN 0 THEN 1 ELSE 2 + (n * 7919) % \(teams - 1) END AS team_id,
                \(state) AS state, \(Self.startedMs) + n AS at_ms,
                'group-' || (n / \(Self.bigTeamShare) % \(Self.groups)) AS tag,
                n % 2 = n / \(Self.bigTeamShare) % 2 AS is_web
            FROM numbers
            """,
            """
            INSERT INTO resources (id, kind, team_id, created_at_ms)
            SELECT id, 'compute', team_id, at_ms FROM temp.population ORDER BY id
            """,
            """
            INSERT INTO computes (
                id, team_id, host_name, state, intent, image, specification, region, vcpus, memory_mb, storage_gb,
                public_keys, tags, private_ipv4, created_at_ms, updated_at_ms, host_id
            )
            SELECT p.id, p.team_id, 'host-' || p.id, p.state, p.state, 'TINY-1', 'S-1C', 'KGL-1', 1, 512, 10,
                '["\(Self.publicKey)"]', '["' || CASE is_web WHEN 1 THEN 'web","' ELSE '' END || p.tag || '"]',
                CASE p.state WHEN 'DESTROYED' THEN NULL
                    ELSE t.network_base + 4 + ROW_NUMBER() OVER (PARTITION BY p.team_id ORDER BY p.id) END,
                p.at_ms, p.at_ms, (SELECT MAX(id) FROM hosts)
            FROM temp.population p JOIN teams t ON t.id = p.team_id ORDER BY p.id
            """,
        ]
    }

    private var rowsOfComputes: [String] {
        [
            """
            INSERT INTO jobs (resource_id, kind, machine_id, action, step, step_since_ms, host_id)
            SELECT id, 'compute', id, CASE state WHEN 'DESTROYED' THEN 'gone' ELSE 'keep' END,
                CASE state WHEN 'DESTROYED' THEN 'done' ELSE 'idle' END, updated_at_ms, host_id FROM computes
            """,
            """
            INSERT INTO addresses (kind, number, team_id, holder_id)
            SELECT 'private4', private_ipv4, team_id, id FROM computes WHERE private_ipv4 IS NOT NULL
            """,
            """
            INSERT INTO idempotency_keys (team_id, endpoint, idempotency_key, request, resource_id, answer, created_at_ms)
            SELECT team_id, 'POST /computes', 'population-' || id, '{}', id, '{"data":{"id":"' || id || '"}}',
                created_at_ms FROM computes
            """,
            """
            INSERT INTO events (team_id, resource_id, at_ms, kind, actor)
            SELECT team_id, id, created_at_ms, 'compute.created', 'operator' FROM computes
            """,
            """
            INSERT INTO events (team_id, resource_id, at_ms, kind, actor)
            SELECT team_id, id, updated_at_ms, 'compute.' || LOWER(state), 'system' FROM computes
            """,
            """
            INSERT INTO meters (resource_id, team_id, began_at_ms, ended_at_ms, is_settled)
            SELECT id, team_id, created_at_ms, CASE state WHEN 'DESTROYED' THEN updated_at_ms END, state = 'DESTROYED'
            FROM computes
            """,
            """
            INSERT INTO meter_prices (resource_id, since_ms, hour_milli_rwf, ip_month_milli_rwf)
            SELECT id, created_at_ms, 0, 0 FROM computes
            """,
            """
            INSERT INTO resource_tags (team_id, tag, resource_id, state)
            SELECT team_id, tag, id, state FROM (
                SELECT team_id, tag, id, state FROM temp.population
                UNION ALL SELECT team_id, 'web', id, state FROM temp.population WHERE is_web
            ) WHERE state <> 'DESTROYED' ORDER BY team_id, tag, id
            """,
            """
            INSERT INTO compute_totals (team_id, tag, region, state, shard, n)
            SELECT team_id, tag, region, state, shard, COUNT(*) FROM (
                SELECT team_id, '' AS tag, region, state, id % 8 AS shard FROM computes
                UNION ALL SELECT g.team_id, g.tag, c.region, c.state, c.id % 8
                FROM resource_tags g JOIN computes c ON c.id = g.resource_id
            ) WHERE state <> 'DESTROYED' GROUP BY team_id, tag, region, state, shard
            """,
            """
            UPDATE hosts SET (taken_vcpus, taken_memory_mb, taken_storage_gb) = (
                SELECT SUM(vcpus), SUM(memory_mb), SUM(storage_gb) FROM computes WHERE private_ipv4 IS NOT NULL
            ) WHERE identity = 'population'
            """,
            "DROP TABLE temp.population",
        ]
    }

    private func numbers(to last: Int) -> String {
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(last))"
    }
}
