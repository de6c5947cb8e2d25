import ArgumentParser
import CloudSimulation
import Foundation

/// `strettch-sim scale`.
struct ScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Fill a cell of many hosts, and measure how long placing and listing take.",
        discussion: "Exits with 1 when a host is given out twice. docs/scale.md says what it means.")

    @Option(help: "Hosts of the cell.") var hosts = 10_000
    @Option(help: "Computes that are created.") var computes = 100_000
    @Option(help: "What the sizes of hosts and computes follow from.") var seed: UInt64 = 1
    @Option(help: "Folder for the database. Default: a new one in /var/tmp, removed at the end.")
    var folder: String?

    func validate() throws {
        guard (1...1_000_000).contains(hosts), (1...10_000_000).contains(computes) else {
            throw ValidationError("--hosts must be 1 to 1000000, and --computes 1 to 10000000.")
        }
    }

    func run() async throws {
        let path = folder ?? "/var/tmp/strettch-scale-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer {
            if folder == nil { try? FileManager.default.removeItem(atPath: path) }  // a leftover in /var/tmp
        }
        let report = try await ScaleRun(hosts: hosts, computes: computes, seed: seed).run(
            path: "\(path)/scale.sqlite",
            progress: { if $0.isMultiple(of: 10_000) { Output.say("\($0) computes") } })
        Output.say(
            """
            \(hosts) hosts, \(report.placed) computes placed, \(report.refused) refused for want of room
            hosts are full to \(report.load.lowerBound) to \(report.load.upperBound) percent; \
            \(report.hostsAmiss) overcommitted or miscounted
                                  median ms     p99 ms
            placing, a dry run   \(Self.cells(report.place))
            no room anywhere     \(Self.cells(report.refuse))
            create, synced       \(Self.cells(report.create))
            a page of 100        \(Self.cells(report.page))
            """)
        if report.hostsAmiss > 0 { throw ExitCode.failure }
    }

    private static func cells(_ samples: ScaleSamples) -> String {
        [50, 99].map { percent in
            let text = String(format: "%.2f", samples.percentile(percent))
            return String(repeating: " ", count: max(1, 11 - text.count)) + text
        }.joined()
    }
}
