import ArgumentParser

/// `scripts/bench`: everything on one machine, as docs/performance.md shows it.
struct AllBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all", abstract: "Measure all that one machine does (the default).",
        discussion: "docs/performance.md says what each figure means.")

    @OptionGroup var options: BenchOptions

    func run() async throws {
        try await options.report { lab in
            var figures = try await AcceptMeasurement(rounds: 3, duration: .seconds(2)).run(in: lab)
            figures += try await ReadMeasurement(
                rounds: 3, duration: .seconds(1), sizes: [ReadMeasurement.small, ReadMeasurement.large]
            ).run(in: lab)
            figures += try await FootprintMeasurement(starts: 5).run(in: lab)
            let boots = try await BootMeasurement(count: 10).run(in: lab)
            figures += boots.figures
            figures += try await WarmMeasurement(count: 10).run(in: lab)
            return Measured(figures: figures, accelerator: boots.accelerator)
        }
    }
}
