import CloudCore
import CloudDatabase
import CloudMachines

/// What is on the host, of machines and of the network.
struct HostInventory: Sendable, Equatable {
    var machines: [Int64: MachineParts]
    /// Those of which anything is where the host keeps its own.
    var snapshots: Set<Int64>
    var images: Set<Int64>
    /// What differs in the network, whether or not those computes that may have a place in it are taken to have one.
    var drift: [String]

    init(
        machines: [Int64: MachineParts], snapshots: Set<Int64> = [], images: Set<Int64> = [],
        drift: [String] = []
    ) {
        self.machines = machines
        self.snapshots = snapshots
        self.images = images
        self.drift = drift
    }

    /// Reads it. Throws what the host throws.
    init(of host: any MachineHost, for snapshot: AuditSnapshot) async throws {
        machines = try await host.inventory()
        snapshots = try await host.snapshots.snapshotIds()
        images = try await host.teamImages.imageIds()
        // One that has just come from another host has nothing here but its disk, where hosts share that.
        for id in snapshot.computes.map(\.compute.id) where machines[id] == nil {
            let parts = try await host.parts(of: id)
            if parts != MachineParts() { machines[id] = parts }
        }
        drift = try await host.networkDrift(
            of: snapshot.computes.compactMap { ComputePlace($0.compute) }, remotes: snapshot.remotes,
            spareTaps: snapshot.spareTaps)
    }

    /// What is there and should not be, and the other way round.
    func findings(_ snapshot: AuditSnapshot) -> [AuditFinding] {
        let computes = snapshot.computes.map(\.compute)
        let known = Set(computes.filter { $0.job.step != .done }.map(\.id))
        let moves = Dictionary(snapshot.moves.map { ($0.computeId, $0) }) { first, _ in first }
        return computes.filter { known.contains($0.id) }.flatMap { findings($0, moves[$0.id]) }
            + machines.filter { !known.contains($0.key) && moves[$0.key] == nil }.sorted { $0.key < $1.key }
            .map { id, parts in
                AuditFinding(
                    .noOrphans, computeId: id,
                    "machine \(id) has \(parts.inWords) on this host, and no compute stands for it. A running server "
                        + "removes it after its grace period (orphanGrace).")
            }
            + snapshot.snapshotFindings(onHost: snapshots, of: snapshot.sharers)
            + snapshot.imageFindings(onHost: images, of: snapshot.sharers)
            + drift.map { AuditFinding(.network, "\($0). A running server puts it right within seconds.") }
    }

    private func findings(_ compute: Compute, _ move: Move?) -> [AuditFinding] {
        let rule = PartsRule(compute, move?.step)
        let parts = machines[compute.id] ?? MachineParts()
        let checks: [(Invariant, Presence, Bool, String)] = [
            (.process, rule.process, parts.hasProcess, "start it, or look why it ended"),
            (.disk, rule.disk, parts.hasDisk, "restore it from a backup, or delete the compute"),
            (.seed, rule.seed, parts.hasSeed, "a running server makes it again"),
        ]
        return checks.filter { !$0.1.allows($0.2) }.map { invariant, _, isThere, remedy in
            AuditFinding(
                invariant, computeId: compute.id,
                "compute \(compute.id) is \(compute.state.rawValue) at the step "
                    + "'\(compute.job.step.rawValue)' and has \(isThere ? "a" : "no") "
                    + "\(invariant.rawValue): \(isThere ? "stop and start it, or delete it" : remedy).")
        }
    }
}

extension MachineParts {
    /// `a process and a disk`.
    fileprivate var inWords: String {
        let words = [hasProcess ? "a process" : nil, hasDisk ? "a disk" : nil, hasSeed ? "a seed" : nil]
            .compactMap(\.self)
        return words.isEmpty ? "a folder" : words.joined(separator: " and ")
    }
}

extension AuditSnapshot {
    /// The same with the computes of one host alone.
    func ofHost(_ id: Int64) -> AuditSnapshot {
        var part = self
        let store = hosts.first { $0.host.id == id }?.host.store
        part.sharers = Set(
            hosts.map(\.host).filter { $0.id == id || (store != nil && $0.store == store) }.map(\.id))
        part.computes.removeAll { $0.compute.hostId != id }
        part.remotes = remotes(for: id)
        part.moves.removeAll { $0.side(of: id) == nil }
        part.spareTaps = Set(part.moves.filter { $0.step.spareTap == $0.side(of: id) }.map(\.computeId))
        return part
    }

    /// Computes on other hosts that have their place in the network.
    private func remotes(for id: Int64) -> [RemoteAttachment] {
        var underlays: [Int64: IPv4Address] = [:]
        for host in hosts.map(\.host) { underlays[host.id] = host.underlay.flatMap { IPv4Address($0) } }
        guard underlays[id] != nil else { return [] }
        return computes.map(\.compute).compactMap { compute in
            guard let hostId = compute.hostId, hostId != id, let underlay = underlays[hostId],
                ComputeStep.attached.contains(compute.job.step)
            else { return nil }
            return RemoteAttachment(compute, underlay: underlay)
        }
    }
}
