import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import Synchronization

/// All that is simulated in one history: time, order, database, host, and the programs that share them.
final class World: Sendable {
    let history: History
    let executor: SimulationExecutor
    let clock: SimulatedClock
    let store: SimulatedStore
    /// The machines as they are, on the host of each program.
    let machines: [SimulatedHost]
    /// The same as programs reach them.
    let hosts: [any MachineHost]
    let faults: FaultLine
    let promises: Promises
    let settings: CloudSettings
    let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    private let sabotage: Sabotage?
    private let trace: Trace?
    private let state: Mutex<State>

    private struct State {
        var random: SeededRandom
        var living: [Program?]
        /// Those that were replaced among them.
        var started: [Program] = []
        var lives: [Int]
        var commits = 0
        var crashes = 0
        var requests = 0
        var tasks: [Task<Void, Never>] = []
        var isOver = false
        var suspended = 0
        /// Programs whose hosts are off.
        var lost: Set<Int> = []
    }

    /// Milliseconds until a program that ended is started again, at most.
    static let maxRestartMs: Int64 = 5_000

    init(
        _ history: History, store: SimulatedStore, sabotage: Sabotage?, trace: Trace?
    ) throws(SimulationError) {
        self.history = history
        self.store = store
        self.sabotage = sabotage
        self.trace = trace
        executor = SimulationExecutor(seed: history.seed)
        clock = SimulatedClock(seed: history.seed, maxLateMs: history.shape.maxLateMs)
        // Several hosts have one store of disks.
        let disks = history.shape.sharesDisks ? SimulatedDisks() : nil
        machines = (0..<history.shape.programs).map { _ in SimulatedHost(disks: disks) }
        for host in machines { host.set(peers: machines.filter { $0 !== host }) }
        hosts = machines.map { sabotage?.host($0) ?? $0 }
        faults = FaultLine(history.faults)
        promises = Promises()
        settings = try CloudSettings.simulated(history.shape)
        let programs = history.shape.programs
        state = Mutex(
            State(
                random: SeededRandom(seed: history.seed ^ 0x3013),
                living: Array(repeating: nil, count: programs), lives: Array(repeating: 0, count: programs)))
    }

    /// A number of the world's own, in 0 ..< bound.
    func random(below bound: Int) -> Int { state.withLock { $0.random.below(bound) } }

    func connection(
        _ sql: any SQLConnection, _ write: DurableWrite?, _ incarnation: Incarnation
    ) -> any SQLConnection {
        guard let sabotage else { return sql }
        return sabotage.connection(
            sql, Sabotage.Context(write: write, program: incarnation.program, body: Sabotage.presentBody))
    }

    /// The cloud as commands of the operator reach it.
    func operatorsCloud() -> Cloud {
        let random = Chance(seed: history.seed ^ 0x09E4)
        return Cloud(
            database: StoreDatabase(store: store, sabotage: sabotage), catalogue: .simulated,
            settings: settings,
            clock: clock, randomBytes: random.bytes, wake: {})
    }

    /// Adds a line to the trace, if there is one.
    func note(_ line: () -> String) { trace?.add("\(clock.elapsedMs) \(line())") }

    func committed(_ name: DurableWrite, by incarnation: Incarnation) {
        state.withLock { $0.commits += 1 }
        note { "\(incarnation.name) \(name)" }
    }

    func countRequest() { state.withLock { $0.requests += 1 } }

    var figures: Figures {
        state.withLock {
            Figures(
                histories: 1, requests: $0.requests, commits: $0.commits, crashes: $0.crashes,
                faults: faults.met)
        }
    }

    // Programs.

    /// Starts the program anew, unless the history is over.
    func start(_ index: Int) {
        let life = state.withLock { state -> Int? in
            guard !state.isOver, !state.lost.contains(index) else { return nil }
            state.lives[index] += 1
            return state.lives[index]
        }
        guard let life else { return }
        let program = Program(index, life: life, in: self)
        note { "\(program.incarnation.name) starts" }
        state.withLock { state in
            state.living[index] = program
            state.started.removeAll { !$0.incarnation.isAlive }
            state.started.append(program)
        }
        program.start()
    }

    /// A program that is alive now, as a load balancer would choose it.
    func anyProgram() -> Program? {
        state.withLock { state in
            let living = state.living.compactMap(\.self)
            return living.isEmpty ? nil : state.random.one(of: living)
        }
    }

    func program(_ index: Int) -> Program? { state.withLock { $0.living[index % $0.living.count] } }

    /// Starts another life of a program beside the one that goes on, as a service manager does that takes a program for
    /// dead. The host is the new one's; the old one has to notice.
    func replace(_ index: Int) { start(index % history.shape.programs) }

    /// Ends a program as kill -9 does, and has it started again unless it was replaced.
    func crash(_ incarnation: Incarnation) {
        guard incarnation.crash() else { return }
        let afterMs = state.withLock { state -> Int64? in
            state.crashes += 1
            guard state.living[incarnation.program]?.incarnation === incarnation else { return nil }
            state.living[incarnation.program] = nil
            return Int64(state.random.below(Int(Self.maxRestartMs)))
        }
        note { "\(incarnation.name) crashes" }
        guard let afterMs else { return }
        spawn {
            await self.clock.sit(milliseconds: afterMs)
            self.start(incarnation.program)
        }
    }

    /// Ends a program, and lets nobody start it before `bringBack`. False when it is away already.
    func takeAway(_ index: Int) -> Bool {
        let isNew = state.withLock { state in
            guard state.lost.insert(index).inserted else { return false }
            state.suspended += 1
            return true
        }
        if isNew, let program = program(index) { crash(program.incarnation) }
        return isNew
    }

    /// Starts a program that was taken away.
    func bringBack(_ index: Int) {
        state.withLock { state in
            state.lost.remove(index)
            state.suspended -= 1
        }
        start(index)
    }

    /// Ends all programs for good.
    func end() {
        let started = state.withLock { state in
            state.isOver = true
            return state.started
        }
        for program in started { _ = program.incarnation.crash() }
    }

    /// Holds a call up, whether it is cancelled or not. Nothing has come to rest before it goes on.
    func suspend(milliseconds: Int64) async {
        state.withLock { $0.suspended += 1 }
        await clock.sit(milliseconds: milliseconds)
        state.withLock { $0.suspended -= 1 }
    }

    var isAnySuspended: Bool { state.withLock { $0.suspended > 0 } }

    /// Starts a task of the world's own, which `tasksEnded` waits for.
    func spawn(_ body: @escaping @Sendable () async -> Void) {
        let task = Task(executorPreference: executor) { await body() }
        state.withLock { $0.tasks.append(task) }
    }

    /// Waits for all tasks that were spawned, those included that are spawned meanwhile.
    func tasksEnded() async {
        while let task = state.withLock({ $0.tasks.popLast() }) { await task.value }
    }
}

/// How much happened.
public struct Figures: Sendable, Equatable {
    public var histories = 0
    public var requests = 0
    public var commits = 0
    public var crashes = 0
    /// Faults that were met.
    public var faults = 0

    public init(histories: Int = 0, requests: Int = 0, commits: Int = 0, crashes: Int = 0, faults: Int = 0) {
        self.histories = histories
        self.requests = requests
        self.commits = commits
        self.crashes = crashes
        self.faults = faults
    }

    public static func += (left: inout Figures, right: Figures) {
        left.histories += right.histories
        left.requests += right.requests
        left.commits += right.commits
        left.crashes += right.crashes
        left.faults += right.faults
    }
}
