import CloudCore
import CloudMachines

/// A host whose every team has one more compute, on another host.
struct NeighbouredHost: MachineHost {
    let real: RealCrashHost
    /// The other host's.
    let underlay: IPv4Address

    private var host: QEMUHost { real.machines }

    var networkMode: NetworkMode { host.networkMode }

    var snapshots: any SnapshotHost { host.snapshots }

    var teamImages: any ImageHost { host.teamImages }

    func applyNetwork(_ plan: NetworkPlan) async throws { try await host.applyNetwork(extended(plan)) }

    func networkDrift(from plan: NetworkPlan) async throws -> [String] {
        try await host.networkDrift(from: extended(plan))
    }

    private func extended(_ plan: NetworkPlan) -> NetworkPlan {
        var plan = plan
        let networks = Dictionary(plan.attachments.map { ($0.teamId, $0.network) }) { first, _ in first }
        plan.remotes = networks.map { teamId, network in
            RemoteAttachment(
                computeId: 1_000_000 + teamId, teamId: teamId, network: network,
                privateIpv4: IPv4Address(network.last.value - 1), underlay: underlay)
        }
        return plan
    }

    func image(_ image: Image) async -> ImageStatus { await host.image(image) }

    func makeDisk(_ machine: Machine, from image: Image) async throws {
        try await host.makeDisk(machine, from: image)
    }

    func growDisk(_ machine: Machine) async throws { try await host.growDisk(machine) }

    func makeSeed(_ machine: Machine) async throws { try await host.makeSeed(machine) }

    func boot(_ machine: Machine) async throws { try await host.boot(machine) }

    func status(_ id: Int64) async throws -> MachineStatus { try await host.status(id) }

    func answersSSH(_ machine: Machine) async -> Bool { await host.answersSSH(machine) }

    func pressPowerButton(_ id: Int64) async throws { try await host.pressPowerButton(id) }

    func halt(_ id: Int64) async throws { try await host.halt(id) }

    func erase(_ id: Int64) async throws { try await host.erase(id) }

    func vacate(_ id: Int64) async throws { try await host.vacate(id) }

    func keepReserve() async throws -> SpaceReport? { try await host.keepReserve() }

    func bootId() async throws -> String { try host.bootId() }

    func inventory() async throws -> [Int64: MachineParts] { try await host.inventory() }

    func parts(of id: Int64) async throws -> MachineParts { try await host.parts(of: id) }
}
