import CloudCore

@testable import CloudDatabase

extension SQLConnection {
    /// The database's one host, made if it is missing.
    func makeHost(_ name: String = "host-1") throws -> Int64 {
        try hosts.get(name: name)?.id ?? hosts.insert(HostFacts(identity: name, name: name))
    }

    /// Notes an orphan of that host: a row like any other.
    func noteOrphan(_ machineId: Int64, nowMs: Int64) throws {
        try hosts.insertOrphan(machineId, hostId: try makeHost(), nowMs: nowMs)
    }

    /// Of all hosts.
    func allOrphans() throws -> [Int64: Int64] {
        try hosts.get(name: "host-1").map { try hosts.orphans($0.id) } ?? [:]
    }
}
