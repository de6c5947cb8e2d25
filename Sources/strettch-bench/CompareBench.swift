import ArgumentParser
import Foundation

/// `scripts/bench-compare`: two builds of the program in turns, and the ratios of what they do.
struct CompareBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Measure this build and another in turns, and print the ratios.",
        discussion:
            "A ratio is that of one round's two values, since a machine's speed changes between rounds.")

    @OptionGroup var options: BenchOptions
    @Option(help: ArgumentHelp("The built strettch of the other commit.", visibility: .hidden)) var base:
        String
    @Option(help: ArgumentHelp("The other commit.", visibility: .hidden)) var baseCommit: String
    @Option(help: "Times that both are measured, in turns.") var rounds = 5

    func validate() throws {
        guard (1...50).contains(rounds) else { throw ValidationError("--rounds must be 1 to 50.") }
    }

    func run() async throws {
        try await options.show {
            var (old, new): ([[Sight]], [[Sight]]) = ([], [])
            let other = Lab(folder: options.folder, program: base)
            for round in 1...rounds {
                Lab.say("round \(round) of \(rounds)")
                // Who is first changes, since the first leaves the machine warm, and its disk busy.
                if round.isMultiple(of: 2) {
                    new.append(try await ProgramVisit().run(in: options.lab))
                    old.append(try await ProgramVisit().run(in: other))
                } else {
                    old.append(try await ProgramVisit().run(in: other))
                    new.append(try await ProgramVisit().run(in: options.lab))
                }
            }
            let comparison = Comparison(
                machine: try await MachineFacts.read(options.lab, accelerator: nil), base: baseCommit,
                commit: options.commit, build: Bench.build, ratios: Ratio.all(old, new))
            return options.json ? try Report.json(comparison) : comparison.table()
        }
    }
}

/// What two builds do, side by side.
struct Comparison: Codable, Sendable {
    var machine: MachineFacts
    var base: String
    var commit: String
    var build: String
    var ratios: [Ratio]

    func table() -> String {
        let head = ["", "base", "new", "ratio", "min", "max", "rounds"]
        let rows = ratios.map { ratio in
            ["\(ratio.name), \(ratio.unit)"]
                + [ratio.base, ratio.new].map { Report.number($0, unit: ratio.unit) }
                + [ratio.median, ratio.minimum, ratio.maximum].map { Report.number($0, unit: "") }
                + ["\(ratio.rounds)"]
        }
        let lines = machine.lines + ["base \(base), new \(commit), \(build) builds", ""]
        return (lines + Report.columns([head] + rows)).joined(separator: "\n")
    }
}

/// One figure of two builds. Its ratios are new to base: above 1 is better for rates, below 1 for all else.
struct Ratio: Codable, Sendable {
    var name: String
    var unit: String
    /// Medians of the rounds.
    var base: Double
    var new: Double
    /// Of the rounds' ratios.
    var median: Double
    var minimum: Double
    var maximum: Double
    var rounds: Int

    /// - Parameters: the sights of each round, in the same order in all of them.
    static func all(_ old: [[Sight]], _ new: [[Sight]]) -> [Ratio] {
        (old.first ?? []).indices.map { index in
            var (bases, news, ratios) = (Samples(), Samples(), Samples())
            for (before, after) in zip(old, new) {
                bases.add(before[index].value)
                news.add(after[index].value)
                ratios.add(after[index].value / before[index].value)
            }
            return Ratio(
                name: old[0][index].name, unit: old[0][index].unit, base: bases.median, new: news.median,
                median: ratios.median, minimum: ratios.smallest, maximum: ratios.largest, rounds: ratios.count
            )
        }
    }
}
