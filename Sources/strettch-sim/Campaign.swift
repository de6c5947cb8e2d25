import CloudSimulation
import Foundation
import Synchronization

/// Runs many seeds on several threads, each of which simulates on its own.
final class Campaign: Sendable {
    private let seeds: Range<UInt64>
    private let jobs: Int
    private let makeSimulation: @Sendable () throws -> Simulation
    private let start = ContinuousClock.now
    private let state: Mutex<State>

    private struct State {
        var next: UInt64
        var figures = Figures()
        /// Seeds that broke a promise.
        var broken: [UInt64] = []
        /// Promises whose smallest history was shown.
        var shown: Set<String> = []
        var lastReport = ContinuousClock.now
        var error: (any Error)?
    }

    /// Between two lines of progress.
    private static let reportEvery = Duration.seconds(10)
    /// After so many broken seeds there is no need for more.
    private static let mostBroken = 20

    /// - Parameter makeSimulation: called once on each thread.
    init(
        seeds: Range<UInt64>, jobs: Int, makeSimulation: @escaping @Sendable () throws -> Simulation
    ) {
        self.seeds = seeds
        self.jobs = jobs
        self.makeSimulation = makeSimulation
        state = Mutex(State(next: seeds.lowerBound))
    }

    /// False when a promise was broken. Throws when a history could not be carried out.
    func run() throws -> Bool {
        let ended = DispatchSemaphore(value: 0)
        for _ in 0..<jobs {
            SimulationThread.start {
                self.work()
                ended.signal()
            }
        }
        for _ in 0..<jobs { ended.wait() }
        if let error = state.withLock({ $0.error }) { throw error }
        let (figures, broken) = state.withLock { ($0.figures, $0.broken) }
        report(figures)
        guard !broken.isEmpty else { return true }
        Output.say("Broken by the seeds \(broken.sorted().map(String.init).joined(separator: ", ")).")
        return false
    }

    private func work() {
        do {
            let simulation = try makeSimulation()
            while let seed = take() { try run(seed, simulation) }
        } catch {
            state.withLock { $0.error = $0.error ?? error }
        }
    }

    private func take() -> UInt64? {
        state.withLock { state in
            guard state.next < seeds.upperBound, state.broken.count < Self.mostBroken, state.error == nil
            else {
                return nil
            }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func run(_ seed: UInt64, _ simulation: Simulation) throws {
        let result: Simulation.Result
        do {
            result = try simulation.run(History(seed: seed))
        } catch {
            throw SimulationFailure(seed: seed, error: error)
        }
        let due = state.withLock { state -> Figures? in
            state.figures += result.figures
            guard state.lastReport + Self.reportEvery < .now else { return nil }
            state.lastReport = .now
            return state.figures
        }
        if let due { report(due) }
        if let finding = result.findings.first { try tell(finding, result.history, simulation) }
    }

    /// Shows the smallest history for the first finding of each kind.
    private func tell(_ finding: Finding, _ history: History, _ simulation: Simulation) throws {
        let isFirst = state.withLock { state in
            state.broken.append(history.seed)
            return state.shown.insert(finding.invariant).inserted
        }
        Output.say("seed \(history.seed) breaks \(finding)")
        guard isFirst else { return }
        let smallest = try Shrinker(simulation).shrink(history, breaking: finding.invariant)
        Output.say(
            """
            The smallest history that does, \(smallest.size) parts of \(history.size):
            \(smallest.text)
            See it happen: strettch-sim --seed \(history.seed) --smallest --trace
            """)
    }

    private func report(_ figures: Figures) {
        let seconds = max(0.001, (ContinuousClock.now - start) / .seconds(1))
        Output.say(
            "\(figures.histories) histories, \(Int(Double(figures.histories) / seconds)) a second: "
                + "\(figures.requests) requests, \(figures.commits) commits, \(figures.crashes) crashes, "
                + "\(figures.faults) faults")
    }
}

/// Why a seed could not be run.
struct SimulationFailure: Error, CustomStringConvertible {
    var seed: UInt64
    var error: any Error

    var description: String { "Seed \(seed) could not be simulated to its end: \(error)" }
}
