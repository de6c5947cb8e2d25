import ArgumentParser

/// `scripts/bench reads`.
struct ReadBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reads",
        abstract: "Measure reads of one compute and of lists, with few and many in the database.",
        discussion: "docs/performance.md says what each figure means.")

    @OptionGroup var options: BenchOptions
    @Option(help: "Times that everything is measured, in turns.") var rounds = 3
    @Option(help: "Seconds of each load.") var seconds = 1
    @Option(help: "Computes in the larger database; a tenth of them is one team's.") var computes = 1_000_000

    /// A private address for each.
    static let mostComputes = 1_000_000

    func validate() throws {
        guard (1...20).contains(rounds), (1...10).contains(seconds) else {
            throw ValidationError("--rounds must be 1 to 20, and --seconds 1 to 10.")
        }
        guard (10_000...Self.mostComputes).contains(computes) else {
            throw ValidationError("--computes must be 10000 to \(Self.mostComputes).")
        }
    }

    func run() async throws {
        try await options.report {
            var sizes = [ReadMeasurement.small]
            if computes > ReadMeasurement.small.computes {
                sizes.append(Population(computes: computes, teams: computes / 100))
            }
            return Measured(
                figures: try await ReadMeasurement(rounds: rounds, duration: .seconds(seconds), sizes: sizes)
                    .run(in: $0))
        }
    }
}
