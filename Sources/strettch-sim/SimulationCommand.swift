import ArgumentParser
import CloudSimulation
import Foundation

/// Runs simulated histories, and shows the smallest that breaks a promise.
@main
struct SimulationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strettch-sim",
        abstract:
            "Simulate the whole cloud, one history for each seed, and check that every promise is kept.",
        discussion: "Exits with 1 when a promise is broken. docs/simulation.md says what is simulated.",
        subcommands: [ScaleCommand.self])

    @Option(help: "How many seeds to run.") var seeds: UInt64 = 2_000
    @Option(help: "The first of them.") var from: UInt64 = 1
    @Option(help: "How many to run at once. Default: one for each core.") var jobs: Int?
    @Option(help: "Run this seed alone, and show its history.") var seed: UInt64?
    @Flag(help: "With --seed: show what happens, line by line.") var trace = false
    @Flag(help: "With --seed: look for the smallest history that breaks the same promise, and show that.")
    var smallest = false

    @Option(
        help: ArgumentHelp(
            "Run on PostgreSQL: the connection string of an empty database of a superuser's.",
            discussion: "Never one that holds anything: all rows are taken out before each history."))
    var postgres: String?

    static let mostJobs = 64

    func validate() throws {
        if let jobs, !(1...Self.mostJobs).contains(jobs) {
            throw ValidationError("--jobs must be 1 to \(Self.mostJobs).")
        }
        if postgres != nil, jobs ?? 1 != 1 {
            throw ValidationError("--postgres runs one history after the other. Leave --jobs out.")
        }
        guard seeds > 0, from.addingReportingOverflow(seeds).overflow == false else {
            throw ValidationError("--seeds must be above 0, and the last seed a number of 64 bits.")
        }
        if seed == nil, trace || smallest { throw ValidationError("--trace and --smallest need a --seed.") }
    }

    func run() throws {
        let isKept =
            if let seed {
                try show(seed)
            } else {
                try Campaign(
                    seeds: from..<from + seeds, jobs: jobsAtOnce, makeSimulation: makeSimulation
                ).run()
            }
        if !isKept { throw ExitCode.failure }
    }

    private var jobsAtOnce: Int { postgres == nil ? jobs ?? ProcessInfo.processInfo.activeProcessorCount : 1 }

    /// To be called on the thread that runs the histories.
    private var makeSimulation: @Sendable () throws -> Simulation {
        { [postgres] in try postgres.map { try Simulation(postgres: $0) } ?? Simulation() }
    }

    /// Runs one seed. False when it breaks a promise.
    private func show(_ seed: UInt64) throws -> Bool {
        let simulation = try makeSimulation()
        var result = try simulation.run(History(seed: seed), traced: trace)
        if smallest, let finding = result.findings.first {
            let shrinker = Shrinker(simulation)
            result = try simulation.run(
                try shrinker.shrink(result.history, breaking: finding.invariant), traced: trace)
        }
        Output.say(result.history.text)
        if trace { Output.say(result.trace) }
        for finding in result.findings { Output.say("broken: \(finding)") }
        if result.findings.isEmpty { Output.say("Every promise is kept.") }
        return result.findings.isEmpty
    }
}

/// What the command prints.
enum Output {
    static func say(_ text: String) { FileHandle.standardOutput.write(Data("\(text)\n".utf8)) }
}
