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
        subcommands: [
            AllBench.self, AcceptBench.self, ReadBench.self, FootprintBench.self, GuestBench.self,
            ThroughputBench.self, CompareBench.self, HelloCommand.self,
        ], defaultSubcommand: AllBench.self)

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

    @Flag(help: "Print JSON, where there is a report.") var json = false

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

    /// Prints the figures of `body` with the machine and the commit, as a table or as JSON.
    func report(_ body: (Lab) async throws -> Measured) async throws {
        try await show {
            let measured = try await body(lab)
            let report = Report(
                machine: try await MachineFacts.read(lab, accelerator: measured.accelerator), commit: commit,
                build: Bench.build, figures: measured.figures)
            return json ? try report.json() : report.table()
        }
    }
}

/// What a measurement found.
struct Measured: Sendable {
    var figures: [Figure]
    /// `kvm` or `tcg`; `nil` without guests.
    var accelerator: String?
}

/// The boot of guests, on one machine. The image is in the folder, in real/data.
struct GuestBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guests", abstract: "Measure the boot of guests.",
        discussion: "docs/performance.md says what each figure means.")

    @OptionGroup var options: BenchOptions
    @Option(help: "Guests to boot through the API, as many by hand, and as many ahead.") var boots = 10
    @Option(help: "What they boot, such as DEBIAN-12.") var image = "TINY-1"

    /// Bounds the run: eight minutes are enough for 10 boots of each kind on two busy cores.
    static let mostBoots = 100

    func validate() throws {
        guard (1...Self.mostBoots).contains(boots) else {
            throw ValidationError("--boots must be 1 to \(Self.mostBoots).")
        }
    }

    func run() async throws {
        try await options.report { lab in
            var measured = try await BootMeasurement(count: boots, image: image).run(in: lab)
            measured.figures += try await WarmMeasurement(count: boots, image: image).run(in: lab)
            return measured
        }
    }
}
