import CloudControl
import CloudCore
import CloudMachines

/// Moves between the hosts of the history's programs.
extension ProgramHost: MovingHost {
    private var machines: SimulatedHost { world.machines[incarnation.program] }

    func moveCertificate() async throws -> String { await machines.moveCertificate() }

    func departure(of machine: Machine) async throws -> Departure {
        await world.executor.pause()
        try requireOwned()
        return try await machines.departure(of: machine)
    }

    func prepareArrival(
        _ machine: Machine, of image: Image, from departure: Departure, certificate: String
    ) async throws -> Arrival {
        try await act(.prepareArrival, machine.id) { _ in
            try await machines.prepareArrival(machine, of: image, from: departure, certificate: certificate)
        }
    }

    func depart(_ machine: Machine, to arrival: Arrival, certificate: String) async throws -> MoveStatus {
        try await act(.depart, machine.id) { _ in
            try await machines.depart(machine, to: arrival, certificate: certificate)
        }
    }

    func finishArrival(_ id: Int64) async throws {
        try await act(.finishArrival, id) { _ in try await machines.finishArrival(id) }
        await world.expectToRunOnce(id)
    }

    func finishDeparture(_ id: Int64) async throws {
        try await act(.finishDeparture, id) { _ in try await machines.finishDeparture(id) }
    }

    func cancelArrival(_ id: Int64) async throws {
        try await act(.cancelArrival, id) { _ in try await machines.cancelArrival(id) }
    }

    func cancelDeparture(_ id: Int64) async throws {
        try await act(.cancelDeparture, id) { _ in try await machines.cancelDeparture(id) }
        await world.expectToRunOnce(id)
    }
}

extension World {
    /// Notes it when the guest runs on more than one host.
    func expectToRunOnce(_ id: Int64) async {
        var places: [String] = []
        for (index, machines) in machines.enumerated() where await machines.running.contains(id) {
            places.append(Program.hostName(index))
        }
        guard places.count > 1 else { return }
        promises.broke(
            .guestRunsOnce, "the guest of compute \(id) runs on \(places.joined(separator: " and "))")
    }

    /// The operator moves the machine. False when that is refused.
    func move(_ id: Int64) async -> Bool {
        do {
            _ = try await MoveCompute(id: id).run(in: operatorsCloud())
            return true
        } catch let error as CloudError where error.code != .internalServerError {
            note { "the move of \(id) is refused: \(error.message)" }
        } catch {
            promises.broke(.answerIsInTheContract, "compute \(id) can't be moved: \(error)")
        }
        return false
    }
}
