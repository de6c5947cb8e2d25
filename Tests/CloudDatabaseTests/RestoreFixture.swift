import CloudCore
import CloudTesting
import Foundation

@testable import CloudDatabase

/// A database of three computes (1 runs, 2 is made, 3 starts) with a backup of it, and what was done since: compute 4
/// made, compute 1 deleted, a key revoked and one made, money paid.
struct RestoreFixture: Sendable {
    let folder: String
    var database: String { "\(folder)/db" }
    var backup: String { "\(folder)/backup" }
    var kept: String { "\(folder)/kept" }

    static func with(
        version: Int = Migrations.all.count, _ body: (RestoreFixture) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let fixture = RestoreFixture(folder: folder)
            try OldDatabase(version: version).make(fixture.database)
            _ = try BackUpDatabase(database: fixture.database, file: fixture.backup).run()
            try await fixture.goOn()
            try await body(fixture)
        }
    }

    /// What a server does after the backup.
    private func goOn() async throws {
        let database = try SQLiteDatabase(path: database)
        try await database.write { sql in
            let id = try sql.insertCompute(.fourth, nowMs: 20)
            try sql.jobs.insert(id, .compute, ComputeAction.create, machineId: id, hostId: 1, nowMs: 20)
            try sql.meters.insert(.compute, resourceId: id, teamId: 1, price: .free, nowMs: 20)
            try sql.idempotencyKeys.insert(
                teamId: 1, key: "since",
                record: IdempotencyRecord(
                    endpoint: "POST /computes", request: "{}", resourceId: id, answer: "{}", createdAtMs: 20))
            try sql.execute("UPDATE jobs SET step = 'done', due_at_ms = NULL WHERE resource_id = 1")
            try sql.computes.releaseAddresses(1)
            try sql.setState(1, state: .destroyed, intent: .destroyed, nowMs: 20)
            try sql.execute("UPDATE api_keys SET revoked_at_ms = 20 WHERE id = 1")
            _ = try sql.keys.insert(
                NewKey(teamId: 1, name: "new", role: .owner, hash: String(repeating: "2", count: 64)),
                nowMs: 20)
            try sql.ledger.append(
                teamId: 1, kind: .credit, resourceId: nil, reference: "since", amountMilliRwf: 700, nowMs: 20)
            for _ in 0..<5 {
                try sql.events.append(
                    Event(resourceId: id, teamId: 1, kind: "test", actor: .system), nowMs: 20)
            }
        }
        try database.close()
    }

    func restore(
        file: String? = nil, allowsOtherInstallation: Bool = false, onHost: MachinesOnHost = MachinesOnHost()
    ) -> RestoreDatabase {
        RestoreDatabase(
            file: file ?? backup, database: database, kept: kept,
            allowsOtherInstallation: allowsOtherInstallation,
            nowMs: 30, machines: { _ in onHost })
    }

    /// Names in the folder.
    func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
}

extension RestoreDatabase {
    /// Prepares and installs.
    @discardableResult
    func run() throws -> RestoreReport {
        let report = try prepare()
        try install(report)
        return report
    }
}

extension NewCompute {
    fileprivate static var fourth: NewCompute {
        NewCompute(
            teamId: 1, hostId: 1, hostName: "d", image: "TINY-1",
            specification: Specification(
                id: "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0001", specification: "S-1C", vcpus: 1, memoryMb: 512,
                storageGb: 10, priceMonthMilliRwf: 0),
            region: "KGL-1", publicKeys: [], tags: [], privateIpv4: IPv4Address(0x0A00_0009), publicIpv4: nil,
            sshPort: nil)
    }
}
