import ArgumentParser
import CloudCore
import Foundation

/// How many creates a cell accepts in a second, by the number of its API servers, beside what its PostgreSQL commits.
struct ThroughputBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughput",
        abstract: "Measure accepted creates a second with several API servers on one PostgreSQL.",
        discussion: "docs/scale.md says what each figure means.")

    @OptionGroup var options: BenchOptions
    @Option(
        help: "Measured points, SERVERS:CLIENTS each, with commas. Clients are those of all servers together."
    )
    var points = "1:4,2:8,3:12,1:12"
    @Option(help: "Times that all points are measured, in turns.") var rounds = 3
    @Option(help: "Seconds of one measurement.") var seconds = 6
    @Option(help: "Hosts of the cell, as rows alone: nobody works on what is accepted.") var hosts = 64
    @Option(help: "Microseconds that PostgreSQL waits before a sync, as with a slower disk.") var syncDelay =
        0

    /// Bounds of the run, which `scripts/bench` ends after eight minutes.
    static let mostServers = 4
    static let mostClients = 64
    static let mostRounds = 20
    static let mostSeconds = 60

    func validate() throws {
        guard (1...Self.mostRounds).contains(rounds), (1...Self.mostSeconds).contains(seconds) else {
            throw ValidationError(
                "--rounds must be 1 to \(Self.mostRounds), and --seconds 1 to \(Self.mostSeconds).")
        }
        guard (1...10_000).contains(hosts), (0...100_000).contains(syncDelay) else {
            throw ValidationError("--hosts must be 1 to 10000, and --sync-delay 0 to 100000.")
        }
        _ = try measuredPoints()
    }

    private func measuredPoints() throws -> [ThroughputPoint] {
        try points.split(separator: ",").map { text in
            let parts = text.split(separator: ":").compactMap { Int($0) }
            guard parts.count == 2, (1...Self.mostServers).contains(parts[0]),
                (parts[0]...Self.mostClients).contains(parts[1])
            else {
                throw ValidationError(
                    "--points has '\(text)'. Give SERVERS:CLIENTS, with 1 to \(Self.mostServers) servers and at least "
                        + "as many clients, at most \(Self.mostClients).")
            }
            return ThroughputPoint(servers: parts[0], clients: parts[1])
        }
    }

    func run() async throws {
        try await options.show {
            let (lab, points) = (options.lab, try measuredPoints())
            let runs = try await PostgresBeside(folder: "\(lab.folder)/pg", syncDelay: syncDelay).run {
                postgres in
                let cell = ThroughputCell(lab: lab, postgres: postgres, hosts: hosts)
                return try await cell.run(servers: points.map(\.servers).max() ?? 1) {
                    try await measure(points, in: cell)
                }
            }
            let facts = try await MachineFacts.read(lab, accelerator: nil)
            return
                ([facts.lines[0], "load \(facts.load), \(facts.measuredAt)"]
                + [
                    "commit \(options.commit), \(Bench.build) build, \(seconds) s each, medians of \(rounds)",
                    "",
                ]
                + ThroughputTable.lines(points, runs)).joined(separator: "\n")
        }
    }

    /// All points in turns, and what PostgreSQL commits in between.
    private func measure(
        _ points: [ThroughputPoint], in cell: ThroughputCell
    ) async throws -> [ThroughputRun] {
        var runs: [ThroughputRun] = []
        for round in 1...rounds {
            for point in points {
                Lab.say("round \(round): \(point.clients) clients of \(point.servers) servers")
                runs.append(try await cell.measure(point, seconds: seconds))
                runs.append(try await cell.measureCommits(connections: point.clients, seconds: seconds))
            }
        }
        return runs
    }
}

/// How many servers and clients.
struct ThroughputPoint: Sendable, Hashable {
    var servers: Int
    /// Of all servers together, each with a team and a kept connection of its own.
    var clients: Int
}

/// What one measurement found.
struct ThroughputRun: Sendable {
    /// No servers: single-row inserts by pgbench, each a synced commit.
    var point: ThroughputPoint
    var perSecond: Double
    /// Milliseconds from POST to 202.
    var times = Samples()
    /// Transactions that PostgreSQL undid, for each create.
    var undone = 0.0
    /// Processors in use on the average, by whom.
    var postgresCPU = 0.0
    var serverCPU = 0.0
    var clientCPU = 0.0
}

/// The report.
enum ThroughputTable {
    static func lines(_ points: [ThroughputPoint], _ runs: [ThroughputRun]) -> [String] {
        let head = [
            "servers", "clients", "creates/s", "p50 ms", "p99 ms", "undone", "CPUs: postgres", "servers",
            "clients", "inserts/s",
        ]
        let rows = [head] + points.map { cells($0, runs) }
        let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }
    }

    private static func cells(_ point: ThroughputPoint, _ runs: [ThroughputRun]) -> [String] {
        let own = runs.filter { $0.point == point }
        let commits = runs.filter { $0.point == ThroughputPoint(servers: 0, clients: point.clients) }
        func median(_ runs: [ThroughputRun], _ value: (ThroughputRun) -> Double) -> Double {
            var samples = Samples()
            for run in runs { samples.add(value(run)) }
            return samples.median
        }
        return [
            "\(point.servers)", "\(point.clients)", text(median(own, \.perSecond), 0),
            text(median(own, \.times.median), 1), text(median(own) { $0.times.percentile(99) }, 1),
            text(median(own, \.undone), 3), text(median(own, \.postgresCPU), 2),
            text(median(own, \.serverCPU), 2), text(median(own, \.clientCPU), 2),
            text(median(commits, \.perSecond), 0),
        ]
    }

    private static func text(_ value: Double, _ digits: Int) -> String {
        value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
    }
}
