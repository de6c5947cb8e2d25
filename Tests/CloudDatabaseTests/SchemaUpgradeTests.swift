import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

/// A database of each earlier version, with what a program of that version keeps of three computes: one that runs, one
/// that is being made, and from version 4 on one that is being started.
@Suite("An upgrade from each earlier version", .sqliteAlone)
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
                let actions = try sql.query("SELECT action FROM jobs ORDER BY resource_id").map {
                    try $0.textOrNil("action")
                }
                #expect(actions == (version < 4 ? ["keep", "create"] : ["keep", "create", "start"]))

                let found = try sql.idempotencyKeys.get(
                    apiKeyId: 1, teamId: 1, endpoint: "POST /computes", key: "key")
                let key = found?.record
                #expect(key?.answer == "{\"the\": \"answer\"}")
                #expect(key?.resourceId == 1 && key?.expiresAtMs == nil)
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

    @Test("has one host that nobody has adopted, with all computes and what they take", arguments: versions)
    func host(from version: Int) async throws {
        try await withUpgraded(from: version) { database in
            try await database.read { sql in
                let host = try #require(try sql.hosts.only())
                let count = version < 4 ? 2 : 3
                #expect(host.identity == nil && host.heartbeatMs == nil && host.state == .active)
                #expect(
                    host.taken == Resources(vcpus: count, memoryMb: count * 512, storageGb: count * 10))
                #expect(try sql.hosts.unadopted() == host)
                #expect(try sql.computes.list(teamId: 1, limit: 10).allSatisfy { $0.hostId == host.id })
                #expect(try sql.hosts.machines(host.id).count == count)
                #expect(try sql.audit.misplaced() == [])
                #expect(try sql.audit.addressesAmiss() == [])
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
                        Event(resourceId: 99, teamId: 1, kind: "test", actor: .system), nowMs: 20)
                }
            }
            try await database.write { sql in
                try sql.events.append(
                    Event(resourceId: nil, teamId: 1, kind: "test", actor: .operator), nowMs: 20)
                try sql.jobs.begin(ComputeAction.delete, 1, nowMs: 20)
                try sql.computes.releaseAddresses(1)
                try sql.setState(1, state: .destroyed, intent: .destroyed, nowMs: 20)
                try sql.idempotencyKeys.expire(resourceId: 1, atMs: 30)
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
