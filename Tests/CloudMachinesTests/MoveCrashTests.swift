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
    private static let cancelling: Set<HostEffect> = [.cancelMemory, .cancelDisk, .dropHalfArrival]

    @Test("wherever a program ends, the machine moves, and never runs on both hosts")
    func moves() async throws {
        try await Self.withMachine { lab in
            var back = false
            // Before the next change is after the one before it.
            for effect in HostEffect.moves where !Self.cancelling.contains(effect) {
                let move = lab.move(try QEMUFixture.machine(), back: back)
                if [.makeTrust, .publishTrust].contains(effect) {
                    for side in [lab.a, lab.b] { try HostFiles.remove("\(side.folder)/trust") }
                }
                try await Plant(effect, .after).grow { plant in
                    let arrival = try await plant.insist(move) { try await move.prepare() }
                    let status = try await plant.insist(move) { try await move.departWholly(to: arrival) }
                    #expect(status == .switched, "after \(effect): \(status)")
                    try await plant.insist(move) { try await move.destination.host.finishArrival(5) }
                    try await plant.insist(move) { try await move.source.host.finishDeparture(5) }
                    try await move.expectMoved()
                }
                back.toggle()
            }
        }
    }

    @Test("wherever a program ends while it cancels, the machine stays, and never runs on both hosts")
    func cancels() async throws {
        // A destination that ends while memory is copied ends the copy too, but not while the source waits for us.
        let cases: [(effect: HostEffect, last: HostEffect)] = [
            (.dropHalfArrival, .copyMemory), (.cancelDisk, .copyMemory), (.disconnectDisk, .copyMemory),
            (.forgetCredentials, .copyMemory), (.settleDeparture, .copyMemory),
            (.cancelMemory, .disconnectDisk), (.resumeGuest, .switchOver),
        ]
        try await Self.withMachine { lab in
            let move = lab.move(try QEMUFixture.machine())
            for (effect, last) in cases {
                for moment in HostEffect.Moment.allCases {
                    let arrival = try await move.prepare()
                    try await move.depart(to: arrival, until: last)
                    if last == .switchOver { try await move.expectMemorySent() }
                    try await Plant(effect, moment).grow { plant in
                        try await plant.insist(move) { try await move.destination.host.cancelArrival(5) }
                        try await plant.insist(move) { try await move.source.host.cancelDeparture(5) }
                        try await move.expectStayed()
                    }
                }
            }
        }
    }

    private static func withMachine(_ body: (MoveLab) async throws -> Void) async throws {
        try await MoveLab.with { lab in
            try await lab.boot(try QEMUFixture.machine())
            try await body(lab)
        }
    }
}

/// One fault at one change.
private final class Plant: Sendable {
    struct Crash: Error {}

    let effect: HostEffect
    let moment: HostEffect.Moment
    private let wasMet = Mutex(false)

    private static let maxAttempts = 3

    init(_ effect: HostEffect, _ moment: HostEffect.Moment) {
        self.effect = effect
        self.moment = moment
    }

    /// Lets `body` meet the fault, which must come about.
    func grow(_ body: (Plant) async throws -> Void) async throws {
        try await HostEffect.$interruption.withValue({ try self.pass($0, $1) }) { try await body(self) }
        #expect(wasMet.withLock { $0 }, "nothing passes \(effect), \(moment)")
    }

    private func pass(_ effect: HostEffect, _ moment: HostEffect.Moment) throws {
        guard (effect, moment) == (self.effect, self.moment) else { return }
        let isFirst = wasMet.withLock { wasMet in
            defer { wasMet = true }
            return !wasMet
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
        do {
            let status = try await HostEffect.$interruption.withValue({ effect, moment in
                if effect == last, moment == .after { throw Enough() }
            }) { try await departWholly(to: arrival) }
            Issue.record("\(last) never came about: \(status)")
        } catch is Enough {
            return
        }
    }

    /// Waits until the source has sent all of its memory. Before that the guest goes on by itself when the copy is cancelled.
    func expectMemorySent() async throws {
        let monitor = source.host.monitor(machine.id)
        try await eventually("the memory is sent") {
            try await monitor.move { try await $0.runState() } == "postmigrate"
        }
    }
}
