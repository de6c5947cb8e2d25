import CloudCore
import CloudTesting
import GRDB
import Testing

@testable import CloudDatabase

/// A database of each earlier version, with what a program of that version keeps of three computes: one that runs, one
/// that is being made, and from version 4 on one that is being started.
@Suite("An upgrade from each earlier version")
struct SchemaUpgradeTests {
    static let versions = 1...Migrations.all.count

    @Test(
        "keeps computes, jobs, keys and events, and gives each what later versions have", arguments: versions)
    func upgrade(from version: Int) async throws {
        try await withUpgraded(from: version) { database in
            try await database.read { sql in
                let computes = try sql.computes.list(teamId: 1, limit: 10)
                #expect(computes.map(\.hostName) == (version < 4 ? ["b", "a"] : ["c", "b", "a"]))
                let running = try #require(computes.last)
                #expect(running.state == .running && running.intent == .running)
                #expect(running.tags == ["web", "live"])
                #expect(running.privateIpv4?.description == "10.0.0.5")
                #expect(!running.deletionProtection)
                #expect(try sql.computes.list(teamId: 1, filter: tagged("live"), limit: 10).map(\.id) == [1])
                let actions = try sql.query("SELECT action FROM jobs ORDER BY compute_id").map {
                    try $0.textOrNil("action")
                }
                #expect(actions == (version < 4 ? [nil, "create"] : [nil, "create", "start"]))

                let key = try sql.idempotencyKeys.get(teamId: 1, endpoint: "POST /computes", key: "key")
                #expect(key?.answer == "{\"the\": \"answer\"}")
                #expect(key?.computeId == 1 && key?.expiresAtMs == nil)
                let events = try sql.events.newest(.team(1), limit: 10)
                #expect(events.map(\.event.kind) == ["compute.running", "compute.created"])
                #expect(events.map(\.event.actor) == [.system, .key(1)])
                #expect(events.map(\.keyName) == [nil, "owner"])
            }
        }
    }

    @Test(
        "gives each team its wallet and each compute its meter, free so far where there was none",
        arguments: versions)
    func money(from version: Int) async throws {
        try await withUpgraded(from: version) { database in
            try await database.read { sql in
                let wallet = try sql.wallets.get(1)
                #expect(wallet.standing == .active)
                #expect(wallet.balanceMilliRwf == (version < 6 ? 0 : 5000))
                let running = try #require(try sql.meters.get(1))
                #expect(running.beganAtMs == 10 && running.isRunning)
                #expect(running.cost(atMs: Meter.hourMs) == (version < 6 ? 0 : 7))
                #expect(try #require(try sql.meters.get(2)).beganAtMs == nil)
                if version >= 4 { #expect(try #require(try sql.meters.get(3)).isRunning) }
            }
        }
    }

    @Test(
        "leaves a database that goes on: constraints hold, numbers grow, and a compute comes to its end",
        arguments: versions)
    func goesOn(from version: Int) async throws {
        try await withUpgraded(from: version) { database in
            let problems = try await database.read { sql in
                try sql.query("PRAGMA foreign_key_check").count
            }
            #expect(problems == 0)
            await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    try sql.events.append(
                        Event(computeId: 99, teamId: 1, kind: "test", actor: .system), nowMs: 20)
                }
            }
            try await database.write { sql in
                try sql.events.append(
                    Event(computeId: nil, teamId: 1, kind: "test", actor: .operator), nowMs: 20)
                try sql.jobs.begin(.delete, computeId: 1, nowMs: 20)
                try sql.computes.releaseAddresses(1)
                try sql.computes.set(1, state: .destroyed, intent: .destroyed, nowMs: 20)
                try sql.idempotencyKeys.expire(computeId: 1, atMs: 30)
                #expect(try sql.events.newestId(.team(1)) == 3)
                #expect(try sql.computes.list(teamId: 1, filter: tagged("web"), limit: 10).isEmpty)
                #expect(try sql.idempotencyKeys.hasExpired(nowMs: 30))
                #expect(try #require(try sql.meters.get(1)).endedAtMs == 20)
            }
        }
    }

    /// Opens a database of that version with today's program.
    private func withUpgraded(
        from version: Int, _ body: @escaping @Sendable (SQLiteDatabase) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try OldDatabase(version: version).make("\(folder)/db")
            try await body(try SQLiteDatabase(path: "\(folder)/db"))
        }
    }
}

private func tagged(_ tag: String) -> ComputeFilter {
    var problems: [Problem] = []
    return ComputeFilter(state: nil, tags: [tag], region: nil, hostName: nil, &problems)
}

/// A database as the migrations up to `version` leave it, filled as a program of that version would.
private struct OldDatabase {
    var version: Int

    func make(_ path: String) throws {
        try DatabaseQueue(path: path).write { db in
            try db.execute(sql: "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY)")
            try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
            for (index, migration) in Migrations.all.prefix(version).enumerated() {
                for statement in migration(.sqlite) { try db.execute(sql: statement) }
                try db.execute(sql: "INSERT INTO schema_version (version) VALUES (?)", arguments: [index + 1])
            }
            for rows in rows { try db.execute(sql: rows) }
        }
    }

    private var rows: [String] {
        var rows = [
            Self.team, Self.compute(1, "a", "RUNNING", step: "idle", dueAtMs: "NULL"),
            Self.compute(2, "b", "CREATING"), Self.key, events,
        ]
        if version >= 4 { rows += [Self.compute(3, "c", "STARTING"), Self.actions] }
        if version >= 6 { rows.append(Self.money) }
        if version >= 8 { rows.append(Self.tags) }
        return rows
    }

    private static let team = """
        INSERT INTO teams (name, network_base, network_prefix, created_at_ms) VALUES ('team', 167772160, 22, 1);
        INSERT INTO api_keys (team_id, name, role, key_hash, created_at_ms)
        VALUES (1, 'owner', 'Owner', '\(String(repeating: "1", count: 64))', 1);
        """

    /// A compute that should run, with its job.
    private static func compute(
        _ id: Int, _ hostName: String, _ state: String, step: String = "boot", dueAtMs: String = "10"
    ) -> String {
        """
        INSERT INTO computes (
            team_id, host_name, state, intent, image, specification, region, vcpus, memory_mb, storage_gb,
            public_keys, tags, private_ipv4, created_at_ms, updated_at_ms
        ) VALUES (
            1, '\(hostName)', '\(state)', 'RUNNING', 'TINY-1', 'S-1C', 'KGL-1', 1, 512, 10,
            '[]', '\(id == 1 ? "[\"web\",\"live\"]" : "[]")', \(167_772_164 + id), 10, 10
        );
        INSERT INTO jobs (compute_id, step, step_since_ms, due_at_ms) VALUES (\(id), '\(step)', 10, \(dueAtMs));
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

    private static let tags = """
        INSERT INTO compute_tags (team_id, tag, compute_id) VALUES (1, 'web', 1), (1, 'live', 1)
        """
}
