import CloudDatabase
import CloudMachines
import Synchronization

/// Counts what happens, and says when a planned fault is due.
final class FaultLine: Sendable {
    private struct State {
        var faults: [Fault]
        var writes: [DurableWrite: Int] = [:]
        var calls: [SimulatedHost.Operation: Int] = [:]
        var reads = 0
        var answers = 0
        var isDiskFull = false
        var isOver = false
        var met = 0
    }

    private let state: Mutex<State>

    init(_ faults: [Fault]) { state = Mutex(State(faults: faults)) }

    /// Faults that were met.
    var met: Int { state.withLock { $0.met } }

    /// From now on nothing goes wrong any more.
    func end() { state.withLock { $0.isOver = true } }

    var isOver: Bool { state.withLock { $0.isOver } }

    func set(isDiskFull: Bool) { state.withLock { $0.isDiskFull = isDiskFull } }

    func count() { state.withLock { $0.met += 1 } }

    func write(_ name: DurableWrite) -> WriteFault? {
        take { state in
            state.writes[name, default: 0] += 1
            if state.isDiskFull { return .refused }
            let nth = state.writes[name]
            for case .write(name, nth, let fault) in state.faults { return fault }
            return nil
        }
    }

    /// How much later a read is to be answered.
    func read() -> Int64? {
        take { state in
            state.reads += 1
            for case .lateRead(state.reads, let milliseconds) in state.faults { return milliseconds }
            return nil
        }
    }

    func host(_ operation: SimulatedHost.Operation) -> HostFault? {
        take { state in
            state.calls[operation, default: 0] += 1
            let nth = state.calls[operation]
            for case .host(operation, nth, let fault) in state.faults { return fault }
            return nil
        }
    }

    /// Whether an answer is to be lost.
    func answer() -> Bool {
        take { state -> Bool? in
            state.answers += 1
            return state.faults.contains(.lostAnswer(nth: state.answers)) ? true : nil
        } ?? false
    }

    private func take<T>(_ next: (inout State) -> T?) -> T? {
        state.withLock { state in
            let fault = next(&state)
            guard !state.isOver, let fault else { return nil }
            state.met += 1
            return fault
        }
    }
}
