import CloudClient
import CloudTesting
import CloudWire
import Foundation
import GRDB
import Testing

@testable import CloudDatabase

/// Upgrades of the program under guests that run. Root is needed for bridges.
@Suite("An upgrade beside a real guest", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealUpgradeTests {
    @Test("from every earlier schema finds the guest again, as it was, and can do with it all that it could")
    func upgrade() async throws {
        try await RealCloud.with { cloud in
            let request = try cloud.request()
            let id = try await cloud.client { try await $0.createCompute(request, idempotencyKey: UUID()) }
                .data.id
            var compute = try await cloud.wait(id, until: "RUNNING")
            var pid = try await cloud.guests()
            for version in 1..<Migrations.all.count {
                try await cloud.end(SIGTERM)
                try cloud.carryBack(to: version)
                try await cloud.start()
                #expect(try cloud.versions() == Array(1...Migrations.all.count), "from \(version)")
                compute = try await cloud.wait(id, until: "RUNNING")
                #expect(try await cloud.guests() == pid, "from \(version)")
                #expect(try await cloud.ssh(compute, "hostname") == "my-server-01", "from \(version)")
                #expect(compute.tags == request.tags)
                guard [1, 5].contains(version) else { continue }
                try await cloud.strettch("compute", "stop", id, "--wait")
                #expect(try await cloud.guests().isEmpty)
                try await cloud.strettch("compute", "start", id, "--wait")
                pid = try await cloud.guests()
                #expect(pid.count == 1)
            }
            #expect(
                FileManager.default.fileExists(
                    atPath: "\(cloud.data)/strettch.sqlite.before-schema-\(Migrations.all.count)"))
            try await cloud.strettch("compute", "delete", id, "--yes", "--wait")
            #expect(try await cloud.guests().isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cloud.data)/machines").isEmpty)
        }
    }
}

extension RealCloud {
    private var database: String { "\(data)/strettch.sqlite" }

    /// The migrations that have run, in order.
    fileprivate func versions() throws -> [Int] {
        let queue = try DatabaseQueue(path: database)
        let versions = try queue.read { db in
            try Int.fetchAll(db, sql: "SELECT version FROM schema_version ORDER BY version")
        }
        try queue.close()
        return versions
    }

    /// Makes the database what a program of that version would have: its schema, with all that has a place in it. The
    /// server must be stopped.
    fileprivate func carryBack(to version: Int) throws {
        let old = "\(folder)/old"
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: old, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            _ = try Migrations.run(on: SQLiteConnection(db: db), dialect: .sqlite, upTo: version)
            try db.execute(sql: "ATTACH DATABASE ? AS today", arguments: [database])
            for table in try Self.tables(db) { try Self.carryBack(table, db) }
            try db.checkForeignKeys()
        }
        try queue.close()
        for name in ["", "-wal", "-shm", ".before-schema-\(Migrations.all.count)"]
        where FileManager.default.fileExists(atPath: database + name) {
            try FileManager.default.removeItem(atPath: database + name)
        }
        try FileManager.default.moveItem(atPath: old, toPath: database)
    }

    private static func tables(_ db: GRDB.Database) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                SELECT name FROM main.sqlite_master
                WHERE type = 'table' AND name <> 'schema_version' AND name NOT LIKE 'sqlite_%'
                """)
    }

    /// Copies the columns that the old table has, of the rows that it can hold.
    private static func carryBack(_ table: String, _ db: GRDB.Database) throws {
        // Until schema 11 there was one host, and its row knew its boot alone.
        guard table != "host" else {
            return try db.execute(
                sql: "INSERT INTO main.host (id, boot_id, since_ms) SELECT 1, boot_id, 0 FROM today.hosts")
        }
        // Since schema 18 what belonged to computes belongs to resources.
        let source = try db.tableExists(table, in: "today") ? table : "resource_tags"
        let today = Set(try db.columns(in: source, in: "today").map(\.name))
        func present(_ column: String) -> String {
            column == "compute_id" && !today.contains(column) ? "resource_id" : column
        }
        // Those that SQLite computes by itself can't be given.
        let stored = Set(
            try String.fetchAll(
                db, sql: "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden = 0", arguments: [table]
            ))
        let columns = try db.columns(in: table, in: "main").filter {
            today.contains(present($0.name)) && stored.contains($0.name)
        }
        let names = columns.map(\.name).joined(separator: ", ")
        let values = columns.map { present($0.name) }.joined(separator: ", ")
        let holds = columns.filter(\.isNotNull).map { "\(present($0.name)) IS NOT NULL" } + ["1 = 1"]
        try db.execute(
            sql: """
                INSERT INTO main.\(table) (\(names))
                SELECT \(values) FROM today.\(source) WHERE \(holds.joined(separator: " AND "))
                """)
    }
}
