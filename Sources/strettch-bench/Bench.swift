import ArgumentParser
import CloudCore
import Foundation

/// Measures the program as it is run in production, and prints the figures. `scripts/bench` starts it, and takes away
/// whatever it leaves when it is interrupted.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scripts/bench", abstract: "Measure, and print the figures.",
        discussion: "Progress goes to standard error.",
        subcommands: [GuestBench.self, ThroughputBench.self], defaultSubcommand: GuestBench.self)

    static var build: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }
}

/// What `scripts/bench` gives to each measurement.
struct BenchOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The built strettch.", visibility: .hidden)) var program: String
    @Option(help: ArgumentHelp("A folder for all files.", visibility: .hidden)) var folder: String
    @Option(help: ArgumentHelp("The commit that was built.", visibility: .hidden)) var commit: String

    var lab: Lab { Lab(folder: folder, program: program) }

    /// Prints what `body` returns. What it throws is told to the developer.
    func show(_ body: () async throws -> String) async throws {
        do {
            let text = try await body()
            try FileHandle.standardOutput.write(contentsOf: Data("\(text)\n".utf8))
        } catch let error as CloudError {
            Lab.say("\(error)")
            throw ExitCode.failure
        }
    }
}

/// The API and the boot of guests, on one machine. The image TINY-1 is in the folder, in real/data.
struct GuestBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guests", abstract: "Measure the API and the boot of guests (the default).",
        discussion: "docs/performance.md says what each figure means.")

    @OptionGroup var options: BenchOptions
    @Option(help: "Creates to measure on the simulated server.") var creates = 200
    @Option(help: "Guests to boot through the API, and as many by hand.") var boots = 10
    @Flag(help: "Print JSON.") var json = false

    /// Bounds the run: eight minutes are enough for 200 creates and 10 boots of each kind on two busy cores.
    static let mostCreates = 900
    static let mostBoots = 100

    func validate() throws {
        guard (1...Self.mostCreates).contains(creates) else {
            throw ValidationError("--creates must be 1 to \(Self.mostCreates), the addresses of a team.")
        }
        guard (1...Self.mostBoots).contains(boots) else {
            throw ValidationError("--boots must be 1 to \(Self.mostBoots).")
        }
    }

    func run() async throws {
        try await options.show {
            let lab = options.lab
            let creates = try await CreateMeasurement(count: creates).run(in: lab)
            let boots = try await BootMeasurement(count: boots).run(in: lab)
            let report = Report(
                machine: try await MachineFacts.read(lab, accelerator: boots.accelerator),
                commit: options.commit, build: Bench.build, figures: creates + boots.figures)
            return json ? try report.json() : report.table()
        }
    }
}
