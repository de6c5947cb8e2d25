import CloudCore
import CloudMachines

/// A host as one life of the program sees it.
struct SabotagedHost: MachineHost {
    let host: any MachineHost
    let saboteur: Saboteur
    let life: Life
    /// Whether the calls themselves are points; a real host has finer ones.
    let callsArePoints: Bool
    /// Whether a machine that runs is taken for one that answers; for machines without a guest.
    let runningAnswers: Bool

    var networkMode: NetworkMode { host.networkMode }

    func image(_ image: Image) async -> ImageStatus { await host.image(image) }

    func makeDisk(_ machine: Machine, from image: Image) async throws {
        try await pass(.makeDisk) { try await host.makeDisk(machine, from: image) }
    }

    func growDisk(_ machine: Machine) async throws {
        try await pass(.growDisk) { try await host.growDisk(machine) }
    }

    func makeSeed(_ machine: Machine) async throws {
        try await pass(.makeSeed) { try await host.makeSeed(machine) }
    }

    func applyNetwork(_ plan: NetworkPlan) async throws {
        try await pass(.applyNetwork) { try await host.applyNetwork(plan) }
    }

    func boot(_ machine: Machine) async throws { try await pass(.boot) { try await host.boot(machine) } }

    func status(_ id: Int64) async throws -> MachineStatus {
        guard !life.isOver else { throw Crash() }
        return try await host.status(id)
    }

    func answersSSH(_ machine: Machine) async -> Bool {
        guard runningAnswers else { return await host.answersSSH(machine) }
        let status = try? await host.status(machine.id)  // nil: it can't be looked at, and does not answer
        return status == .running
    }

    func pressPowerButton(_ id: Int64) async throws {
        try await pass(.pressPowerButton) { try await host.pressPowerButton(id) }
    }

    func halt(_ id: Int64) async throws { try await pass(.halt) { try await host.halt(id) } }

    func erase(_ id: Int64) async throws { try await pass(.erase) { try await host.erase(id) } }

    func vacate(_ id: Int64) async throws { try await pass(.vacate) { try await host.vacate(id) } }

    func keepReserve() async throws -> SpaceReport? {
        guard !life.isOver else { throw Crash() }
        return try await host.keepReserve()
    }

    func inventory() async throws -> [Int64: MachineParts] { try await host.inventory() }

    func networkDrift(from plan: NetworkPlan) async throws -> [String] {
        try await host.networkDrift(from: plan)
    }

    func bootId() async throws -> String { try await host.bootId() }

    func pass<T>(_ operation: SimulatedHost.Operation, _ change: () async throws -> T) async throws -> T {
        guard !life.isOver else { throw Crash() }
        guard callsArePoints else { return try await change() }
        try await saboteur.before(.call(operation), in: life, slow: {})
        let result = try await change()
        try saboteur.after(.call(operation), in: life)
        return result
    }
}
