import CloudCore
import CloudMachines
import FoundationEssentials
import Logging

/// The calls of the two hosts of a move (`MovingHost`), each a step of the move's job. Each can be repeated, so nothing
/// else is remembered.
struct MoveWorkflow: Sendable {
    let host: any MachineHost
    let network: NetworkApplier
    let images: FindImage
    let clock: any CloudClock
    let logger: Logger

    typealias Outcome = StepOutcome<MoveNews>

    /// Between two looks at the copy of a disk, in milliseconds. A look at the copy of memory takes longer than that, and
    /// the next follows at once, since the guest may stand still meanwhile.
    static let lookMs: Int64 = 250
    /// Between two looks whether the compute's job has come to the end of a step, in milliseconds.
    static let jobPollMs: Int64 = 100

    func run(_ step: MoveStep, _ subject: MoveSubject, nowMs: Int64) async throws -> Outcome {
        guard let moving = host as? any MovingHost else {
            throw CloudError.bug("this kind of host moves nothing")
        }
        if let reason = subject.move.lateReason(nowMs: nowMs) { return Self.fail(reason) }
        switch step {
        case .departure: return try await departure(subject, moving, nowMs: nowMs)
        case .arrival: return try await arrival(subject, moving)
        case .copy: return try await copy(subject, moving)
        case .switched: return try await finish(subject.move, moving)
        case .refused: return try await takeBack(subject.move, moving)
        case .leaving:
            try await network.apply()
            try await moving.finishDeparture(subject.move.computeId)
        case .cancelled, .withdrawn:
            await applyNetwork(subject.move)
            try await moving.cancelDeparture(subject.move.computeId)
        case .returned, .abandoned:
            try await moving.cancelArrival(subject.move.computeId)
            try await network.apply()
        }
        return .done
    }

    private func departure(
        _ subject: MoveSubject, _ host: any MovingHost, nowMs: Int64
    ) async throws -> Outcome {
        // A step that the compute's job has begun comes to its end first; it gets no other one.
        if let leasedUntilMs = subject.jobLeasedUntilMs, leasedUntilMs > nowMs {
            return .wait(milliseconds: min(Self.jobPollMs, leasedUntilMs - nowMs), note: nil)
        }
        return try await failAtConflict {
            .news(.departs(try Self.text(try await host.departure(of: try subject.machine))))
        }
    }

    private func arrival(_ subject: MoveSubject, _ host: any MovingHost) async throws -> Outcome {
        guard let image = try await images.run(subject.compute) else {
            return Self.fail("its destination does not know the image \(subject.compute.image)")
        }
        switch await host.image(image) {
        case .ready: break
        case .preparing(let note):
            return .wait(milliseconds: Self.lookMs, note: "its destination makes the image ready: \(note)")
        case .unavailable(let reason): return Self.fail(reason)
        }
        let departure = try Self.value(Departure.self, subject.move.departure)
        return try await failAtConflict {
            try await network.apply()
            return .news(
                .awaited(
                    try Self.text(
                        try await host.prepareArrival(
                            try subject.machine, of: image, from: departure,
                            certificate: subject.certificate(of: .source)))))
        }
    }

    private func copy(_ subject: MoveSubject, _ host: any MovingHost) async throws -> Outcome {
        let arrival = try Self.value(Arrival.self, subject.move.arrival)
        let beganMs = clock.nowMs
        switch try await host.depart(
            try subject.machine, to: arrival, certificate: subject.certificate(of: .destination))
        {
        case .copying(let text):
            return .wait(milliseconds: max(0, Self.lookMs - (clock.nowMs - beganMs)), note: text)
        case .switched: return .done
        case .failed(let reason): return Self.fail(reason)
        }
    }

    /// The network first, so that it is as it should be when the guest goes on.
    private func finish(_ move: Move, _ host: any MovingHost) async throws -> Outcome {
        await applyNetwork(move)
        do {
            try await host.finishArrival(move.computeId)
            return .done
        } catch let error as CloudError where error.code == .conflict {
            return .news(.refused(error.message))
        }
    }

    private func takeBack(_ move: Move, _ host: any MovingHost) async throws -> Outcome {
        do {
            try await host.cancelArrival(move.computeId)
        } catch let error as CloudError where error.code == .conflict {
            // It had come, and has ended since: its disk here is the newer one.
            return .news(.arrived)
        }
        try await network.apply()
        return .done
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

    private func failAtConflict(_ body: () async throws -> Outcome) async throws -> Outcome {
        do {
            return try await body()
        } catch let error as CloudError where error.code == .conflict {
            return Self.fail(error.message)
        }
    }

    private static func fail(_ reason: String) -> Outcome { .fail(ComputeFailure(.hostFailed, reason)) }

    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    private static func value<T: Decodable>(_: T.Type, _ text: String?) throws -> T {
        guard let text else { throw CloudError.bug("a step of a move without what it needs") }
        return try JSONDecoder().decode(T.self, from: Data(text.utf8))
    }
}
