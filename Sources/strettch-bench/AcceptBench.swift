import ArgumentParser

/// `scripts/bench accepts`.
struct AcceptBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accepts", abstract: "Measure how creates are accepted, beside the machine's limits.",
        discussion: "docs/performance.md says what each figure means.")

    @OptionGroup var options: BenchOptions
    @Option(help: "Times that everything is measured, in turns.") var rounds = 5
    @Option(help: "Seconds of each load.") var seconds = 2

    func validate() throws {
        guard (1...20).contains(rounds), (1...10).contains(seconds) else {
            throw ValidationError("--rounds must be 1 to 20, and --seconds 1 to 10.")
        }
    }

    func run() async throws {
        try await options.report {
            Measured(
                figures: try await AcceptMeasurement(rounds: rounds, duration: .seconds(seconds)).run(in: $0))
        }
    }
}
