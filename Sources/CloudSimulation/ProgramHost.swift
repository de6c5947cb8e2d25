import CloudCore
import CloudMachines

/// The host as one life of a program sees it: calls can throw before or after their effect, take long, or hang.
struct ProgramHost: MachineHost {
    let world: World
    let incarnation: Incarnation

    private var host: any MachineHost { world.hosts[incarnation.program] }

    var networkMode: NetworkMode { .bridged }

    func image(_ image: Image) async -> ImageStatus { await host.image(image) }

    func makeDisk(_ machine: Machine, from image: Image) async throws {
        try await act(.makeDisk, machine.id) { try await $0.makeDisk(machine, from: image) }
    }

    func growDisk(_ machine: Machine) async throws {
        try await act(.growDisk, machine.id) { try await $0.growDisk(machine) }
    }

    func makeSeed(_ machine: Machine) async throws {
        try await act(.makeSeed, machine.id) { try await $0.makeSeed(machine) }
    }

    func applyNetwork(_ plan: NetworkPlan) async throws {
        try await act(.applyNetwork, 0) { try await $0.applyNetwork(plan) }
    }

    func boot(_ machine: Machine) async throws {
        try await act(.boot, machine.id) { try await $0.boot(machine) }
        await world.expectToRunOnce(machine.id)
    }

    func status(_ id: Int64) async throws -> MachineStatus {
        await world.executor.pause()
        try requireOwned()
        return try await host.status(id)
    }

    func answersSSH(_ machine: Machine) async -> Bool {
        await world.executor.pause()
        let answers = await host.answersSSH(machine)
        if !answers {
            // Throws when cancelled: then nobody waits for the answer.
            try? await world.clock.sleep(for: Self.silence)
        }
        return incarnation.isAlive && answers
    }

    func pressPowerButton(_ id: Int64) async throws {
        try await act(.pressPowerButton, id) { try await $0.pressPowerButton(id) }
    }

    func halt(_ id: Int64) async throws {
        try await act(.halt, id) { try await $0.halt(id) }
    }

    func erase(_ id: Int64) async throws {
        try await act(.erase, id) { try await $0.erase(id) }
    }

    func vacate(_ id: Int64) async throws {
        try await act(.vacate, id) { try await $0.vacate(id) }
    }

    func bootId() async throws -> String {
        await world.executor.pause()
        try requireOwned()
        return try await host.bootId()
    }

    func inventory() async throws -> [Int64: MachineParts] {
        await world.executor.pause()
        try requireOwned()
        return try await host.inventory()
    }

    func machineIds() async throws -> Set<Int64> {
        await world.executor.pause()
        try requireOwned()
        return try await host.machineIds()
    }

    func networkDrift(from plan: NetworkPlan) async throws -> [String] {
        await world.executor.pause()
        try requireOwned()
        return try await host.networkDrift(from: plan)
    }

    /// A replaced program has lost the lock of the data folder, without which nobody touches machines.
    func requireOwned() throws(CloudError) {
        try incarnation.requireAlive()
        guard world.program(incarnation.program)?.incarnation === incarnation else {
            throw CloudError(.conflict, "Another program has the lock of the host's folder.")
        }
    }

    func act<T>(
        _ operation: SimulatedHost.Operation, _ id: Int64, _ effect: (any MachineHost) async throws -> T
    ) async throws -> T {
        await world.executor.pause()
        try requireOwned()
        let fault = world.faults.host(operation)
        world.note { "\(incarnation.name) \(operation) \(id)\(fault.map { " \($0)" } ?? "")" }
        switch fault {
        case nil, .throwsAfter, .crashAfter, .outlived: break
        case .throwsBefore: throw Self.failure
        case .crashBefore: world.crash(incarnation)
        case .slow(let milliseconds): try await world.clock.sleep(for: .milliseconds(milliseconds))
        case .hangs(let milliseconds): await world.suspend(milliseconds: milliseconds)
        }
        try requireOwned()
        let result = try await effect(host)
        switch fault {
        case nil, .throwsBefore, .crashBefore, .slow, .hangs: break
        case .throwsAfter: throw Self.failure
        case .crashAfter: world.crash(incarnation)
        case .outlived(let milliseconds):
            world.replace(incarnation.program)
            await world.suspend(milliseconds: milliseconds)
            incarnation.wasSuspended()
        }
        // It learns what it did, whoever has the lock by now.
        try incarnation.requireAlive()
        return result
    }

    /// How long a guest is waited for that does not answer.
    private static let silence = Duration.seconds(1)

    private static let failure = CloudError(.internalServerError, "The host failed.", detail: "simulated")
}
