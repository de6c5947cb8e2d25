import CloudCore
import CloudDatabase
import CloudMachines
import FoundationEssentials
import Logging

/// The call of the host that each phase of a move stands for. None touches the database but to read what the call needs.
struct MoveCalls: Sendable {
    let database: any Database
    let host: any MachineHost
    let network: NetworkApplier
    let catalogue: Catalogue
    let clock: any CloudClock
    let logger: Logger

    /// Between two looks at the copy of a disk, in milliseconds. A look at the copy of memory takes longer than that, and
    /// the next follows at once, since the guest may stand still meanwhile.
    static let lookMs: Int64 = 250

    /// Makes the call of the move's phase. Throws what is to be tried again.
    func make(_ move: Move, _ side: MoveSide) async throws -> MoveOutcome {
        guard let moving = host as? any MovingHost else {
            throw CloudError.bug("this kind of host moves nothing")
        }
        switch move.phase {
        case .departure: return try await departure(move, moving)
        case .arrival: return try await arrival(move, moving)
        case .copy: return try await copy(move, moving)
        case .switched: return try await finish(move, moving)
        case .refused: return try await takeBack(move, moving)
        case .leaving:
            try await network.apply()
            try await moving.finishDeparture(move.computeId)
        case .cancelled where side == .source, .withdrawn:
            await applyNetwork(move)
            try await moving.cancelDeparture(move.computeId)
        case .cancelled, .returned:
            try await moving.cancelArrival(move.computeId)
            try await network.apply()
        }
        return .settled
    }

    private func departure(_ move: Move, _ host: any MovingHost) async throws -> MoveOutcome {
        let facts = try await facts(move)
        return try await cancelAtConflict {
            .departs(try Self.text(try await host.departure(of: facts.machine)))
        }
    }

    private func arrival(_ move: Move, _ host: any MovingHost) async throws -> MoveOutcome {
        let facts = try await facts(move)
        guard let image = catalogue.image(facts.image) else {
            return .cancel("the image \(facts.image) is not in the catalogue of its destination")
        }
        switch await host.image(image) {
        case .ready: break
        case .preparing(let note):
            return .wait("its destination makes the image ready: \(note)", milliseconds: Self.lookMs)
        case .unavailable(let reason): return .cancel(reason)
        }
        let departure = try Self.value(Departure.self, move.departure)
        return try await cancelAtConflict {
            try await network.apply()
            return .awaited(
                try Self.text(
                    try await host.prepareArrival(
                        facts.machine, of: image, from: departure, certificate: facts.sourceCertificate)))
        }
    }

    private func copy(_ move: Move, _ host: any MovingHost) async throws -> MoveOutcome {
        let facts = try await facts(move)
        let arrival = try Self.value(Arrival.self, move.arrival)
        let beganMs = clock.nowMs
        switch try await host.depart(
            facts.machine, to: arrival, certificate: facts.destinationCertificate)
        {
        case .copying(let text):
            return .wait(text, milliseconds: max(0, Self.lookMs - (clock.nowMs - beganMs)))
        case .switched: return .switched
        case .failed(let reason): return .cancel(reason)
        }
    }

    /// The network first, so that it is as it should be when the guest goes on.
    private func finish(_ move: Move, _ host: any MovingHost) async throws -> MoveOutcome {
        await applyNetwork(move)
        do {
            try await host.finishArrival(move.computeId)
            return .arrived
        } catch let error as CloudError where error.code == .conflict {
            return .refused(error.message)
        }
    }

    private func takeBack(_ move: Move, _ host: any MovingHost) async throws -> MoveOutcome {
        do {
            try await host.cancelArrival(move.computeId)
        } catch let error as CloudError where error.code == .conflict {
            // It had come, and has ended since: its disk here is the newer one.
            return .arrived
        }
        try await network.apply()
        return .settled
    }

    /// For the sake of a guest that can go on: what is wrong with the network is put right within seconds all the same.
    private func applyNetwork(_ move: Move) async {
        do {
            try await network.apply()
        } catch {
            logger.error(
                "The network could not be set up for a move; it is tried again within seconds.",
                metadata: ["compute": "\(move.computeId)", "error": "\(error)"])
        }
    }

    private func cancelAtConflict(_ body: () async throws -> MoveOutcome) async throws -> MoveOutcome {
        do {
            return try await body()
        } catch let error as CloudError where error.code == .conflict {
            return .cancel(error.message)
        }
    }

    /// What the rows say that a call needs.
    private struct Facts: Sendable {
        var machine: Machine
        var image: String
        var sourceCertificate: String
        var destinationCertificate: String
    }

    private func facts(_ move: Move) async throws -> Facts {
        try await database.read { sql in
            guard let compute = try sql.computes.get(move.computeId) else {
                throw CloudError.bug("move without compute \(move.computeId)")
            }
            let certificates = try [move.sourceId, move.destinationId].map { id in
                guard let certificate = try sql.hosts.get(id)?.moveCertificate else {
                    throw CloudError(
                        .serviceUnavailable, "The host \(id) has no certificate for moves any more.")
                }
                return certificate
            }
            return Facts(
                machine: try Machine(compute), image: compute.image, sourceCertificate: certificates[0],
                destinationCertificate: certificates[1])
        }
    }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    private static func value<T: Decodable>(_: T.Type, _ text: String?) throws -> T {
        guard let text else { throw CloudError.bug("a phase of a move without what it needs") }
        return try JSONDecoder().decode(T.self, from: Data(text.utf8))
    }
}
