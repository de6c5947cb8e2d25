import CloudCore
import CloudTesting
import Synchronization
import Testing

@testable import CloudMachines

/// Every change that a move makes goes wrong once, not made or made, as for a program that ends there; the next one asks
/// for the same again.
@Suite("Crash points of a move", .timeLimit(.minutes(5)))
struct MoveCrashTests {
    /// What only a cancel does.
    private static let cancelling: Set<HostEffect> = [.cancelMemory, .cancelDisk]

    @Test("wherever a program ends, the machine moves, and never runs on both hosts")
    func moves() async throws {
        for effect in HostEffect.moves where !Self.cancelling.contains(effect) {
            for moment in HostEffect.Moment.allCases {
                let plant = Plant(effect, moment)
                try await Self.with(plant) { move in
                    plant.arm()
                    let arrival = try await plant.insist(move) { try await move.prepare() }
                    let status = try await plant.insist(move) { try await move.departWholly(to: arrival) }
                    #expect(status == .switched)
                    try await plant.insist(move) { try await move.destination.host.finishArrival(5) }
                    try await plant.insist(move) { try await move.source.host.finishDeparture(5) }
                    try await move.expectMoved()
                }
            }
        }
    }

    @Test("wherever a program ends while it cancels, the machine stays, and never runs on both hosts")
    func cancels() async throws {
        let early: [HostEffect] = [
            .dropHalfArrival, .cancelMemory, .cancelDisk, .disconnectDisk, .forgetCredentials,
            .settleDeparture,
        ]
        for (effect, last) in early.map({ ($0, HostEffect.copyMemory) }) + [(.resumeGuest, .switchOver)] {
            for moment in HostEffect.Moment.allCases {
                let plant = Plant(effect, moment)
                try await Self.with(plant) { move in
                    let arrival = try await move.prepare()
                    try await move.depart(to: arrival, until: last)
                    plant.arm()
                    try await plant.insist(move) { try await move.destination.host.cancelArrival(5) }
                    try await plant.insist(move) { try await move.source.host.cancelDeparture(5) }
                    try await move.expectStayed()
                }
            }
        }
    }

    private static func with(_ plant: Plant, _ body: (Move) async throws -> Void) async throws {
        try await MoveLab.with { lab in
            let machine = try QEMUFixture.machine()
            try await lab.boot(machine)
            try await HostEffect.$interruption.withValue({ try plant.pass($0, $1) }) {
                try await body(lab.move(machine))
            }
        }
        #expect(plant.wasMet, "nothing passes \(plant.effect), \(plant.moment)")
    }
}

/// One fault at one change.
private final class Plant: Sendable {
    struct Crash: Error {}

    private enum State { case idle, armed, met }

    let effect: HostEffect
    let moment: HostEffect.Moment
    private let state = Mutex(State.idle)

    private static let maxAttempts = 3

    init(_ effect: HostEffect, _ moment: HostEffect.Moment) {
        self.effect = effect
        self.moment = moment
    }

    func arm() { state.withLock { $0 = .armed } }

    var wasMet: Bool { state.withLock { $0 == .met } }

    func pass(_ effect: HostEffect, _ moment: HostEffect.Moment) throws {
        guard (effect, moment) == (self.effect, self.moment) else { return }
        let isFirst = state.withLock { state in
            defer { if state == .armed { state = .met } }
            return state == .armed
        }
        if isFirst { throw Crash() }
    }

    /// Asks again after the crash, which must leave the machine running on one host at most.
    func insist<T>(_ move: Move, _ body: () async throws -> T) async throws -> T {
        for _ in 1..<Self.maxAttempts {
            do { return try await body() } catch is Crash {
                let states = [
                    try await move.source.runState(move.machine.id),
                    try await move.destination.runState(move.machine.id),
                ]
                #expect(states.filter { $0 == "running" }.count <= 1, "after \(effect), \(moment): \(states)")
            }
        }
        return try await body()
    }
}

extension Move {
    private struct Enough: Error {}

    /// Lets the machine depart until just after the change.
    func depart(to arrival: Arrival, until last: HostEffect) async throws {
        let outer = HostEffect.interruption
        await #expect(throws: Enough.self) {
            try await HostEffect.$interruption.withValue({ effect, moment in
                try await outer?(effect, moment)
                if effect == last, moment == .after { throw Enough() }
            }) { _ = try await departWholly(to: arrival) }
        }
    }
}
