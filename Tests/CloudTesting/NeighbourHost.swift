import CloudCore
import CloudDatabase
import CloudMachines
import CloudWorker
import Logging

/// Another host of a cell, with its worker and supervisor.
public struct NeighbourHost: Sendable {
    public let id: Int64
    public let host: SimulatedHost
    public let claim: HostClaim
    public let worker: Worker
    public let supervisor: Supervisor
    private let database: any Database
    private let clock: ManualClock

    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Registers the host. One of the same name is taken over from its earlier worker.
    ///
    /// - Parameters:
    ///   - host: what has the machines; its disks are to be those of the hosts that register the same store.
    ///   - underlay: its address there; with one, machines can be moved to it and from it.
    public init(
        _ name: String, _ host: SimulatedHost, store: String? = nil, underlay: String? = nil,
        capacity: Capacity = Capacity(), on database: any Database, clock: ManualClock
    ) async throws {
        (self.host, self.database, self.clock) = (host, database, clock)
        claim = HostClaim()
        id = try await RegisterHost(
            facts: HostFacts(
                identity: name, name: name, capacity: capacity, underlay: underlay, store: store,
                moveCertificate: underlay.map { _ in name }), owner: name
        ).run(in: database, claim, clock: clock)
        worker = Worker(
            database: database, host: host, claim: claim, catalogue: .test, clock: clock, wake: Wake(),
            bootSlots: 100, stopGrace: .seconds(1), owner: name, logger: Self.silent, jitter: { 0 })
        supervisor = Supervisor(
            database: database, host: host, claim: claim,
            duty: CellDuty(database: database, claim: claim, clock: clock), network: worker.network,
            clock: clock, wake: Wake(), logger: Self.silent)
    }

    /// Says that the worker lives.
    public func beat() async throws {
        try await Heartbeat(database: database, claim: claim, clock: clock, logger: Self.silent).beat()
    }

    /// Lets worker and supervisor do all that is due within a minute, and a look at the host after it.
    public func settle() async throws {
        for _ in 0..<Self.maxRounds {
            try await worker.runDueJobs()
            let hostId = id
            guard let due = try await database.read({ sql in try sql.jobs.nextDueMs(hostId: hostId) }) else {
                break
            }
            clock.advance(milliseconds: max(1, due - clock.nowMs))
        }
        try await beat()
        try await supervisor.look()
        try await worker.runDueJobs()
    }

    /// Rounds of the clock until all must have come to rest.
    private static let maxRounds = 200
}
