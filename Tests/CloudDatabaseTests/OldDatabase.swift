import GRDB

@testable import CloudDatabase

/// A database as the migrations up to `version` leave it, filled as a program of that version would.
struct OldDatabase {
    var version: Int
    var installationId = "cell-a"

    func make(_ path: String) throws {
        try DatabaseQueue(path: path).write { db in
            try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
            _ = try Migrations.run(on: SQLiteConnection(db: db), dialect: .sqlite, upTo: version)
            for rows in rows { try db.execute(sql: named(rows)) }
            if try db.tableExists("hosts") { try db.execute(sql: Self.host) }
        }
    }

    /// With the names that the version has.
    private func named(_ rows: String) -> String {
        version < 18
            ? rows
            : rows.replacing("compute_tags", with: "resource_tags").replacing(
                "compute_id", with: "resource_id"
            )
            .replacing(
                "INSERT INTO jobs (resource_id, step",
                with: "INSERT INTO jobs (resource_id, kind, machine_id, action, step")
    }

    private var rows: [String] {
        var rows = [
            "INSERT INTO cell (installation_id) VALUES ('\(installationId)')", Self.team,
            compute(1, "a", "RUNNING", step: "idle", dueAtMs: "NULL"), compute(2, "b", "CREATING"), Self.key,
            events,
        ]
        if version >= 4 { rows += [compute(3, "c", "STARTING")] }
        if version >= 4, version < 18 { rows += [Self.actions] }
        if version >= 6 { rows.append(Self.money) }
        if version >= 8 { rows.append(Self.tags) }
        if version >= 14 { rows.append(Self.totals) }
        if version >= 19 { rows.append(Self.addresses) }
        return rows
    }

    private static let team = """
        INSERT INTO teams (name, network_base, network_prefix, created_at_ms) VALUES ('team', 167772160, 22, 1);
        INSERT INTO api_keys (team_id, name, role, key_hash, created_at_ms)
        VALUES (1, 'owner', 'Owner', '\(String(repeating: "1", count: 64))', 1);
        """

    /// A compute that should run, with its job.
    private func compute(
        _ id: Int, _ hostName: String, _ state: String, step: String = "boot", dueAtMs: String = "10"
    ) -> String {
        let action = ["RUNNING": "keep", "CREATING": "create", "STARTING": "start"][state] ?? ""
        return """
            \(version < 18 ? "" : "INSERT INTO resources (id, kind, team_id, created_at_ms) VALUES (\(id), 'compute', 1, 10);")
            INSERT INTO computes (
                \(version < 18 ? "" : "id, ")team_id, host_name, state, intent, image, specification, region, vcpus, memory_mb, storage_gb,
                public_keys, tags, private_ipv4, created_at_ms, updated_at_ms
            ) VALUES (
                \(version < 18 ? "" : "\(id), ")1, '\(hostName)', '\(state)', 'RUNNING', 'TINY-1', 'S-1C', 'KGL-1', 1, 512, 10,
                '[]', '\(id == 1 ? "[\"web\",\"live\"]" : "[]")', \(167_772_164 + id), 10, 10
            );
            INSERT INTO jobs (compute_id, step, step_since_ms, due_at_ms)
            VALUES (\(id), \(version < 18 ? "" : "'compute', \(id), '\(action)', ")'\(step)', 10, \(dueAtMs));
            """
    }

    private static let key = """
        INSERT INTO idempotency_keys (
            team_id, endpoint, idempotency_key, request, compute_id, answer, created_at_ms
        ) VALUES (1, 'POST /computes', 'key', '{}', 1, '{"the": "answer"}', 10)
        """

    private static let actions =
        "UPDATE jobs SET action = CASE compute_id WHEN 2 THEN 'create' WHEN 3 THEN 'start' END"

    private var events: String {
        version < 3
            ? """
            INSERT INTO events (team_id, compute_id, at_ms, kind, key_id)
            VALUES (1, 1, 10, 'compute.created', 1), (1, 1, 11, 'compute.running', NULL)
            """
            : """
            INSERT INTO events (team_id, compute_id, at_ms, kind, actor, key_id)
            VALUES (1, 1, 10, 'compute.created', 'key', 1), (1, 1, 11, 'compute.running', 'system', NULL)
            """
    }

    /// 7 thousandths an hour, and 5 francs in the wallet.
    private static let money = """
        INSERT INTO meters (compute_id, team_id, began_at_ms) VALUES (1, 1, 10), (2, 1, NULL), (3, 1, 10);
        INSERT INTO meter_prices (compute_id, since_ms, hour_milli_rwf, ip_month_milli_rwf)
        VALUES (1, 10, 7, 0), (2, 10, 7, 0), (3, 10, 7, 0);
        INSERT INTO ledger (team_id, number, at_ms, kind, reference, amount_milli_rwf, balance_milli_rwf)
        VALUES (1, 1, 10, 'CREDIT', 'payment', 5000, 5000);
        INSERT INTO wallets (team_id, last_number, balance_milli_rwf, standing, standing_since_ms)
        VALUES (1, 1, 5000, 'ACTIVE', 1);
        """

    /// One host that nobody has adopted, with all computes.
    private static let host = """
        INSERT INTO hosts (name, state, taken_vcpus, taken_memory_mb, taken_storage_gb)
        VALUES ('host', 'ACTIVE', 3, 1536, 30);
        UPDATE computes SET host_id = 1;
        UPDATE jobs SET host_id = 1;
        """

    private static let tags = """
        INSERT INTO compute_tags (team_id, tag, compute_id) VALUES (1, 'web', 1), (1, 'live', 1)
        """

    private static let addresses = """
        INSERT INTO addresses (kind, number, team_id, holder_id)
        SELECT 'private4', private_ipv4, team_id, id FROM computes
        """

    private static let totals = """
        INSERT INTO compute_totals (team_id, tag, region, state, shard, n)
        VALUES (1, '', 'KGL-1', 'RUNNING', 1, 1), (1, 'web', 'KGL-1', 'RUNNING', 1, 1),
            (1, 'live', 'KGL-1', 'RUNNING', 1, 1), (1, '', 'KGL-1', 'CREATING', 2, 1),
            (1, '', 'KGL-1', 'STARTING', 3, 1)
        """
}

/// All that a database file has, a line each: its tables' definitions and their rows.
func dump(_ path: String) throws -> [String] {
    let file = try DatabaseFile(path: path).open()
    let lines = try file.inDatabase { db in
        let tables = try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_master ORDER BY name").map {
            ($0["name"] as String, $0["sql"] as String?)
        }
        let names = tables.filter { $0.1?.hasPrefix("CREATE TABLE") == true }.map(\.0)
        return try tables.map { "\($0.0): \($0.1 ?? "")" }
            + names.flatMap { name in
                try Row.fetchAll(db, sql: "SELECT * FROM \"\(name)\"").map { "\(name): \($0)" }
            }
    }
    try file.close()
    return lines
}
