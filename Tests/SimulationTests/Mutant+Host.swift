import CloudAudit
import CloudCore
import CloudMachines
import CloudSimulation
import Synchronization

extension Mutant {
    /// Bugs in what is done on the host.
    static let ofHost: [Mutant] = [
        Mutant(
            "leaves a machine's process", breaks: Invariant.process,
            Sabotage(host: { WrongHost(host: $0, halts: false) })),
        Mutant(
            "removes a disk that is needed", breaks: Invariant.disk,
            Sabotage(host: { WrongHost(host: $0, erasesAtPowerButton: true) })),
        Mutant(
            "does not see that a seed is gone", breaks: Invariant.seed,
            Sabotage(host: { WrongHost(host: $0, seesSeeds: false) })),
        Mutant(
            "takes nothing out of the network", breaks: Invariant.network,
            Sabotage(host: { WrongHost(host: $0, detaches: false) })),
        Mutant(
            "forgets to remove what a machine leaves", breaks: Invariant.noOrphans,
            Sabotage(host: { WrongHost(host: $0, erases: false) })),
        Mutant(
            "keeps what it has of a machine that is another host's by now", breaks: Invariant.noOrphans,
            in: { history in
                history.shape.sharesDisks
                    && history.faults.contains { if case .at(_, .hostIsLost) = $0 { true } else { false } }
            },
            Sabotage(host: { WrongHost(host: $0, vacates: false) })),
    ]
}

/// A host that does something else than it is asked to.
struct WrongHost: MachineHost {
    let host: any MachineHost
    var halts = true
    var erases = true
    var vacates = true
    var erasesAtPowerButton = false
    var detaches = true
    var seesSeeds = true
    var forgetsSnapshots = false
    var forgetsImages = false
    let everAttached = Attachments()

    /// Every attachment there ever was, by compute.
    final class Attachments: Sendable {
        private let all = Mutex<[Int64: NetworkAttachment]>([:])

        func add(_ plan: NetworkPlan) -> NetworkPlan {
            all.withLock { all in
                for attachment in plan.attachments { all[attachment.computeId] = attachment }
                return NetworkPlan(attachments: all.sorted { $0.key < $1.key }.map(\.value))
            }
        }
    }

    var networkMode: NetworkMode { host.networkMode }
    var snapshots: any SnapshotHost {
        forgetsSnapshots ? Forgetful(host: host.snapshots) : host.snapshots
    }
    var teamImages: any ImageHost {
        forgetsImages ? ForgetfulOfImages(host: host.teamImages) : host.teamImages
    }
    func image(_ image: Image) async -> ImageStatus { await host.image(image) }
    func makeDisk(_ machine: Machine, from image: Image) async throws {
        try await host.makeDisk(machine, from: image)
    }
    func growDisk(_ machine: Machine) async throws { try await host.growDisk(machine) }
    func makeSeed(_ machine: Machine) async throws { try await host.makeSeed(machine) }
    func applyNetwork(_ plan: NetworkPlan) async throws {
        try await host.applyNetwork(detaches ? plan : everAttached.add(plan))
    }
    func boot(_ machine: Machine) async throws { try await host.boot(machine) }
    func status(_ id: Int64) async throws -> MachineStatus { try await host.status(id) }
    func answersSSH(_ machine: Machine) async -> Bool { await host.answersSSH(machine) }
    func pressPowerButton(_ id: Int64) async throws {
        try await host.pressPowerButton(id)
        if erasesAtPowerButton { try await host.erase(id) }
    }
    func halt(_ id: Int64) async throws { if halts { try await host.halt(id) } }
    func erase(_ id: Int64) async throws { if erases { try await host.erase(id) } }
    func vacate(_ id: Int64) async throws { if vacates { try await host.vacate(id) } }
    func bootId() async throws -> String { try await host.bootId() }
    func inventory() async throws -> [Int64: MachineParts] {
        try await host.inventory().mapValues { parts in
            var parts = parts
            parts.hasSeed = parts.hasSeed || !seesSeeds
            return parts
        }
    }
    func networkDrift(from plan: NetworkPlan) async throws -> [String] {
        try await host.networkDrift(from: plan)
    }
}
