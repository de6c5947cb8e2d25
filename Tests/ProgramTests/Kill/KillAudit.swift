import CloudCore
import CloudDatabase
import Foundation

/// Compares the database with what there is on the host. All is well when nothing is found; while work is under way,
/// that is found too.
struct KillAudit: Sendable {
    let cloud: RealCloud
    let database: SQLiteDatabase

    /// What is wrong, in words that name the compute.
    func findings() async throws -> [String] {
        let host = try await parts()
        let rows = try await database.read { sql in
            try sql.query(
                """
                SELECT c.id, c.state, c.host_name, c.private_ipv4, c.public_ipv4, j.action, j.step, j.due_at_ms,
                    j.lease_owner, j.note FROM computes c JOIN jobs j ON j.resource_id = c.id ORDER BY c.id
                """)
        }
        var findings = try rows.flatMap { try Self.compare($0, host[$0.int("id")] ?? [:], cloud) }
        let known = try Set(rows.map { try $0.int("id") })
        for (id, parts) in host where !known.contains(id) {
            findings.append("machine \(id) is nobody's: \(parts)")
        }
        return findings + (try await twice())
    }

    /// Names that more than one compute has, though each was asked for with one key; and keys without a compute.
    private func twice() async throws -> [String] {
        try await database.read { sql in
            let names = try sql.query(
                "SELECT host_name, COUNT(*) AS n FROM computes GROUP BY host_name HAVING COUNT(*) > 1")
            let keys = try sql.query(
                """
                SELECT id FROM computes WHERE NOT EXISTS (SELECT 1 FROM idempotency_keys WHERE resource_id = computes.id)
                """)
            return try names.map { "\(try $0.text("host_name")) was made \(try $0.int("n")) times" }
                + keys.map { "compute \(try $0.int("id")) has no key" }
        }
    }

    private static func compare(_ row: SQLRow, _ parts: [String: Int], _ cloud: RealCloud) throws -> [String]
    {
        let compute = "compute \(try row.int("id")) (\(try row.text("host_name")))"
        let state: ComputeState = try row.value("state")
        let underWay = try row.intOrNil("due_at_ms") != nil || row.textOrNil("lease_owner") != nil
        let action: ComputeAction = try row.value("action")
        guard !underWay, action.rests else {
            let note = try row.textOrNil("note") ?? ""
            return [
                "\(compute) is \(state.rawValue) at step \(try row.text("step")), under way: \(underWay) \(note)"
            ]
        }
        let wanted: [String: Int]
        switch state {
        case .running: wanted = cloud.partsOfRunning
        case .stopped: wanted = cloud.partsOfRunning.filter { $0.key != "process" }
        case .failed, .destroyed: wanted = [:]
        case .creating, .starting, .rebooting, .destroying:
            return ["\(compute) is \(state.rawValue), and nothing is done about it"]
        }
        var findings: [String] = []
        if parts != wanted { findings.append("\(compute) is \(state.rawValue) and has \(parts)") }
        let hasAddress = try row.intOrNil("private_ipv4") != nil
        if hasAddress == wanted.isEmpty {
            findings.append("\(compute) is \(state.rawValue); has an address: \(hasAddress)")
        }
        return findings
    }

    /// By compute: how many of each part there are on the host.
    private func parts() async throws -> [Int64: [String: Int]] {
        var found: [Int64: [String: Int]] = [:]
        let folder = cloud.isSimulated ? "\(cloud.data)/simulated" : "\(cloud.data)/machines"
        let names = ["disk.qcow2": "disk", "seed.iso": "seed"]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            guard let id = Int64(name) else { continue }
            // A folder may go while it is looked at.
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)")) ?? []
            let parts = files.compactMap { cloud.isSimulated ? $0 : names[$0] }.filter {
                !$0.hasSuffix(".new")
            }
            found[id] = Dictionary(uniqueKeysWithValues: parts.map { ($0, 1) })
        }
        let network = FileManager.default.contents(atPath: "\(folder)/network") ?? Data()
        for line in String(decoding: network, as: UTF8.self).split(separator: "\n") {
            guard let id = line.split(separator: " ").first.flatMap({ Int64($0) }) else { continue }
            found[id, default: [:]]["attachment", default: 0] += 1
        }
        for pid in try await cloud.guests() {
            guard let id = try cloud.computeId(ofGuest: pid) else { continue }
            found[id, default: [:]]["process", default: 0] += 1
        }
        return found
    }
}

extension RealCloud {
    /// The parts that a RUNNING compute has on the host, one of each.
    var partsOfRunning: [String: Int] {
        isSimulated
            ? ["disk": 1, "seed": 1, "attachment": 1, "process": 1] : ["disk": 1, "seed": 1, "process": 1]
    }

    /// The compute whose guest the process is, by the folder on its command line; `nil` when it has ended.
    func computeId(ofGuest pid: pid_t) throws -> Int64? {
        // A process may end while it is looked at.
        guard let line = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline")) else { return nil }
        let text = String(decoding: line, as: UTF8.self)
        guard let match = text.firstMatch(of: /\/machines\/([0-9]+)\//) else { return nil }
        return Int64(match.1)
    }
}
