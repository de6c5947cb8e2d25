import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import Synchronization

/// Notices what was done by hand to the host's network and to machines that rest. The network it puts right itself;
/// machines are their jobs' affair, which are told by their ids.
final class DriftWatch: Sendable {
    private let database: any Database
    private let host: any MachineHost
    private let claim: HostClaim
    private let network: NetworkApplier
    private let clock: any CloudClock
    private let orphans: OrphanWatch
    private let metrics: WorkerMetrics
    private let logger: Logger

    private struct State {
        var lastLookMs: Int64?
        /// Machines that looked cut off last time, with the time since which they rest: who has rebooted since has opened
        /// his tap again, and one that was just opened may look so for a moment.
        var suspects: [Int64: Int64] = [:]
        /// Drift that a repair did not end, so that it is told once.
        var lasting: [String] = []
    }

    private let state = Mutex(State())

    /// Between two looks at network and files, in milliseconds: each runs two programs and reads the process table.
    static let intervalMs: Int64 = 5000
    /// Differences that are logged of one look.
    static let maxLogged = 10

    init(
        database: any Database, host: any MachineHost, claim: HostClaim, network: NetworkApplier,
        clock: any CloudClock,
        orphans: OrphanWatch, metrics: WorkerMetrics, logger: Logger
    ) {
        self.database = database
        self.host = host
        self.claim = claim
        self.network = network
        self.clock = clock
        self.orphans = orphans
        self.metrics = metrics
        self.logger = logger
    }

    /// The computes that rest whose jobs should look at their machine. Does nothing when the last look was a moment ago.
    /// Never throws: what can't be looked at is looked at again.
    func look() async -> [Int64] {
        let now = clock.nowMs
        let (isDue, suspects) = state.withLock { state in
            // The clock may have been set back.
            let isDue = state.lastLookMs.map { abs(now - $0) >= Self.intervalMs } ?? true
            if isDue { state.lastLookMs = now }
            return (isDue, state.suspects)
        }
        guard isDue || !suspects.isEmpty else { return [] }
        if isDue { await attempt("The host's network") { try await self.repairNetwork() } ?? () }
        return await attempt("What is on the host") {
            // Before the inventory, so that what is made meanwhile is no orphan.
            let (idle, known) = try await self.database.glance { sql in
                let hostId = try self.claim.check(sql)
                return (
                    try sql.computes.atRest(hostId: hostId), try HostThings.known(hostId, sql)
                )
            }
            let machines = try await self.host.inventory()
            if isDue {
                try await self.orphans.look(
                    at: try await HostThings(machines: Set(machines.keys), on: self.host), known: known)
            }
            return self.drifted(idle, machines, suspects)
        } ?? []
    }

    private func drifted(
        _ idle: [(id: Int64, failure: FailureCode?, sinceMs: Int64)], _ machines: [Int64: MachineParts],
        _ suspects: [Int64: Int64]
    ) -> [Int64] {
        var cutOff: [Int64: Int64] = [:]
        let drifted = idle.filter { compute in
            let drift = MachineDrift(compute.failure, machines[compute.id] ?? MachineParts())
            guard drift == .networkLost else { return drift != nil }
            guard suspects[compute.id] != compute.sinceMs else { return true }
            cutOff[compute.id] = compute.sinceMs
            return false
        }
        state.withLock { [cutOff] in $0.suspects = cutOff }
        return drifted.map(\.id)
    }

    private func repairNetwork() async throws {
        let repair = try await network.repair()
        guard !repair.found.isEmpty else { return state.withLock { $0.lasting = [] } }
        let isKnown = state.withLock { state in
            defer { state.lasting = repair.left }
            return state.lasting == repair.left && !repair.left.isEmpty
        }
        guard !isKnown else { return }
        metrics.networkDrifted()
        let lines = repair.left.isEmpty ? repair.found.lines : repair.left
        logger.warning(
            repair.left.isEmpty
                ? "The host's network had been changed by hand; it is put right."
                : "The host's network is not what it should be, and could not be put right.",
            metadata: [
                "differences": "\(lines.count)", "first": "\(lines.prefix(Self.maxLogged))",
            ])
        guard repair.left.isEmpty, !repair.places.isEmpty else { return }
        let now = clock.nowMs
        try await database.write(.supervise) { [claim] sql in
            try claim.check(sql)
            for place in repair.places {
                try sql.events.append(
                    Event(
                        resourceId: place.computeId, teamId: place.teamId, kind: "compute.network.repaired",
                        actor: .system), nowMs: now)
            }
        }
    }

    /// One look that fails does not keep the others from being made. `nil` when it failed.
    private func attempt<T: Sendable>(_ what: String, _ body: () async throws -> T) async -> T? {
        do {
            return try await body()
        } catch {
            if !Task.isCancelled {
                logger.error("\(what) could not be looked at; trying again.", metadata: ["error": "\(error)"])
            }
            return nil
        }
    }
}
