import ArgumentParser

/// `scripts/bench footprint`.
struct FootprintBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "footprint", abstract: "Measure the program's start, memory, and processor at rest.",
        discussion: "docs/performance.md says what each figure means.")

    @OptionGroup var options: BenchOptions
    @Option(help: "Starts of a new folder, and as many of one in use.") var starts = 5

    func validate() throws {
        guard (1...100).contains(starts) else { throw ValidationError("--starts must be 1 to 100.") }
    }

    func run() async throws {
        try await options.report {
            Measured(figures: try await FootprintMeasurement(starts: starts).run(in: $0))
        }
    }
}
