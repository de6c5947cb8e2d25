import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import GRDB

extension TestCloud {
    /// An audit of this cloud.
    func audit(_ change: (inout AuditSettings) -> Void = { _ in }) -> Audit {
        var settings = AuditSettings(
            privateRange: cloud.settings.privateRange, publicPool: cloud.settings.publicPool,
            sshPorts: cloud.settings.sshPorts, isBilled: cloud.settings.billing.isOn)
        change(&settings)
        return Audit(
            database: database, hosts: [1: host], catalogue: cloud.catalogue, settings: settings, clock: clock
        )
    }

    /// What the audit finds: `invariant compute`.
    func findings() async throws -> [String] {
        try await audit().run().map { "\($0.invariant.rawValue)\($0.computeId.map { " \($0)" } ?? "")" }
    }

    /// Changes the database behind the back of its constraints, as a bug or a broken disk would.
    func vandalize(_ statements: [String]) async throws {
        guard Engine.standard == .sqlite else { return try await vandalizePostgres(statements) }
        let path = try await database.read { sql in try sql.query("PRAGMA database_list")[0].text("file") }
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try await queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
            for statement in statements { try db.execute(sql: statement) }
        }
        try queue.close()
    }

    private func vandalizePostgres(_ statements: [String]) async throws {
        try await database.write { sql in
            let constraints = try sql.query(
                """
                SELECT CAST(CAST(conrelid AS REGCLASS) AS TEXT) AS owner, conname FROM pg_constraint
                WHERE contype IN ('c', 'f') AND connamespace = CAST('public' AS REGNAMESPACE)
                """)
            for row in constraints {
                try sql.execute("ALTER TABLE \(row.text("owner")) DROP CONSTRAINT \(row.text("conname"))")
            }
            try sql.execute("ALTER TABLE events DISABLE TRIGGER events_append_only")
            for statement in statements { try sql.execute(statement) }
            try sql.execute("ALTER TABLE events ENABLE TRIGGER ALL")
        }
    }
}
