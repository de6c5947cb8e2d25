import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Synchronization

/// A place where the program can be cut short.
enum CrashPoint: Hashable, Sendable, CustomStringConvertible {
    /// A transaction.
    case write(DurableWrite)
    /// A change that the simulated host is asked for.
    case call(SimulatedHost.Operation)
    /// A change that the real host makes.
    case effect(HostEffect)

    var isEffect: Bool { if case .effect = self { true } else { false } }

    var description: String {
        switch self {
        case .write(let write): "write \(write.rawValue)"
        case .call(let operation): "call \(operation.rawValue)"
        case .effect(let effect): "effect \(effect.rawValue)"
        }
    }
}

/// One pass of a point: its first, its second, and so on.
struct Visit: Hashable, Sendable, CustomStringConvertible {
    var point: CrashPoint
    var number: Int

    var description: String { number == 1 ? "\(point)" : "\(point) (\(number))" }
}

/// What goes wrong at a visit.
enum FaultKind: String, Sendable, CaseIterable {
    /// The program ends there, with the change not made or made.
    case crashBefore, crashAfter
    /// The change fails, not made; or made, although its maker is told that it failed.
    case errorBefore, errorAfter
    /// A change to the host does not come back before the step's time limit; a transaction takes longer than a lease.
    case hang
}

/// Something that goes wrong in a run of a script.
struct CrashFault: Sendable, CustomStringConvertible {
    var visit: Visit
    var kind: FaultKind

    var description: String { "\(kind.rawValue) at \(visit)" }
}

/// One run of the program. Once it is over nothing that belongs to it has any effect, as with a killed process.
final class Life: Sendable {
    private let over = Mutex(false)

    var isOver: Bool { over.withLock { $0 } }

    func end() { over.withLock { $0 = true } }
}

/// What a killed program can't be told any more.
struct Crash: Error {}

/// Notes every visit, and makes one of them go wrong.
final class Saboteur: Sendable {
    private struct State {
        var visits: [Visit] = []
        var numbers: [CrashPoint: Int] = [:]
        var isArmed = false
        /// Changes that are under way with a fault that comes after them.
        var later: [CrashPoint: FaultKind] = [:]
        var wasMet = false
        var life = Life()
    }

    private let fault: CrashFault?
    /// What goes wrong in every run of the script.
    private let usual: CrashFault?
    private let clock: ManualClock
    private let state = Mutex(State())

    init(
        _ fault: CrashFault?, usual: CrashFault? = nil,
        clock: ManualClock
    ) {
        self.fault = fault
        self.usual = usual
        self.clock = clock
    }

    /// Begins to note and to sabotage; the preparations of a script are over.
    func arm() { state.withLock { $0.isArmed = true } }

    /// The present run of the program.
    var life: Life { state.withLock { $0.life } }

    /// Another run of the program begins.
    func begin() -> Life {
        state.withLock { state in
            state.life = Life()
            return state.life
        }
    }

    /// In order.
    var visits: [Visit] { state.withLock { $0.visits } }
    /// Whether the fault has come about.
    var wasMet: Bool { state.withLock { $0.wasMet } }

    /// Goes before the change at `point`.
    /// - Parameter slow: what happens meanwhile when a transaction takes longer than a lease.
    func before(_ point: CrashPoint, in life: Life, slow: () async throws -> Void) async throws {
        guard !life.isOver else { throw Crash() }
        switch visit(point) {
        case nil: break
        case .crashBefore:
            life.end()
            throw Crash()
        case .errorBefore: throw Self.planted(point)
        case .hang:
            guard case .write = point else { return try await hang() }
            try await slow()
        case .crashAfter?, .errorAfter?: break  // noted for later
        }
    }

    /// Goes after the change at `point`.
    func after(_ point: CrashPoint, in life: Life) throws {
        guard !life.isOver else { throw Crash() }
        switch state.withLock({ $0.later.removeValue(forKey: point) }) {
        case .crashAfter:
            life.end()
            throw Crash()
        case .errorAfter: throw Self.planted(point)
        default: break
        }
    }

    private func visit(_ point: CrashPoint) -> FaultKind? {
        state.withLock { state in
            guard state.isArmed else { return nil }
            state.numbers[point, default: 0] += 1
            let visit = Visit(point: point, number: state.numbers[point, default: 0])
            state.visits.append(visit)
            guard let fault = [fault, usual].compactMap(\.self).first(where: { $0.visit == visit }) else {
                return nil
            }
            if let planted = self.fault, planted.visit == visit { state.wasMet = true }
            if [.crashAfter, .errorAfter].contains(fault.kind) { state.later[point] = fault.kind }
            return fault.kind
        }
    }

    /// Until the time limit of whoever waits has passed by the clock, and he is cancelled.
    private func hang() async throws {
        try await eventually("the time limit ends what hangs") {
            clock.advance(milliseconds: 5_000)
            return false
        }
    }

    private static func planted(_ point: CrashPoint) -> CloudError {
        CloudError(.serviceUnavailable, "a planted fault at \(point)")
    }
}

/// The database of one life.
struct SabotagedDatabase: Database {
    let database: any Database
    let saboteur: Saboteur
    let life: Life
    /// What the others do while a transaction hangs.
    let meanwhile: @Sendable () async throws -> Void

    var changes: Changes { database.changes }

    func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        guard !life.isOver else { throw Crash() }
        return try await database.read(body)
    }

    func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await saboteur.before(.write(name), in: life, slow: meanwhile)
        let result = try await database.write(name, body)
        try saboteur.after(.write(name), in: life)
        return result
    }
}
