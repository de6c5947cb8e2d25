import CloudCore
import Foundation
import NIOCore

/// The read path: GET of one compute and pages of lists, with few and with many computes in the database; in turns with a
/// hello-world of the same HTTP server.
struct ReadMeasurement {
    var rounds: Int
    /// Of each load.
    var duration: Duration
    var sizes: [Population]

    static let small = Population(computes: 10_000, teams: 100)
    static let large = Population(computes: 1_000_000, teams: 10_000)

    /// Times are those with few clients, where nothing waits for a processor; rates are those with many.
    private static let fewClients = 4
    private static let manyClients = 32
    private static let warmUp = Duration.milliseconds(300)
    /// Different requests of each kind, which are sent in turns.
    private static let requests = 2000
    private static let pageSize = 20
    private static let arguments = ["--simulated", "--team-prefix", "16", "--log-level", "error"]

    func run(in lab: Lab) async throws -> [Figure] {
        for size in sizes { try await populate(size, lab) }
        var series = FigureSeries()
        try await HelloServer.with(in: lab) { hello in
            for round in 1...rounds {
                Lab.say("reads, round \(round) of \(rounds): hello-world")
                let limit = try await hello.measure(
                    clients: Self.manyClients, warmUp: Self.warmUp, duration: duration)
                series.add("hello-world, \(Self.manyClients) clients", limit.perSecond, unit: "/s")
                for size in sizes {
                    Lab.say("reads, round \(round) of \(rounds): \(size.computes) computes")
                    // One server at a time, so that none is measured beside what another does at rest.
                    try await BenchServer.with(Self.arguments, in: lab, name: name(size)) { server, _ in
                        try await measure(server, size, limit.perSecond, &series)
                    }
                }
            }
        }
        return series.figures
    }

    private func name(_ size: Population) -> String { "reads-\(size.computes)" }

    /// A first start makes the cell and its first team, and the rest comes while nothing serves.
    private func populate(_ size: Population, _ lab: Lab) async throws {
        Lab.say("a database with \(size.computes) computes")
        let data = try await BenchServer.with(Self.arguments, in: lab, name: name(size)) { server, _ in
            server.data
        }
        try size.fill("\(data)/strettch.sqlite")
    }

    private func measure(
        _ server: BenchServer, _ size: Population, _ limit: Double, _ series: inout FigureSeries
    ) async throws {
        series.add("start to first answer, \(size.computes) computes", server.startTime.milliseconds)
        let group = "\(size.computes)"
        for read in reads(of: size) {
            let request = APIRequest.gets(read.paths, server.credentials)
            let times = try await LoadClient(
                target: server.target, clients: Self.fewClients, status: 200, request: request
            ).run(warmUp: Self.warmUp, duration: duration).times
            series.add("\(read.name), \(size.computes) computes, p50", times.median)
            series.add("  p99", of: read.name + group, times.percentile(99), target: .atMost(5))
            let before = server.processorSeconds
            let load = try await LoadClient(
                target: server.target, clients: Self.manyClients, status: 200, request: request
            ).run(warmUp: Self.warmUp, duration: duration)
            let used = (server.processorSeconds - before) / Double(max(1, load.answers))
            series.add(
                "  rate, \(Self.manyClients) clients", of: read.name + group, load.perSecond, unit: "/s")
            series.add("  processor a request", of: read.name + group, used * 1_000_000, unit: "µs")
            guard read.hasRateTarget else { continue }
            series.add(
                "  of the hello-world's rate", of: read.name + group, load.perSecond / limit, unit: "",
                target: .atLeast(0.5))
        }
        series.add("memory, \(size.computes) computes", server.residentMb, unit: "MiB")
    }

    /// A kind of read: its paths, sent in turns.
    private struct Read {
        var name: String
        var paths: [String]
        var hasRateTarget = false
    }

    /// All of the first team, a tenth of all computes.
    private func reads(of size: Population) -> [Read] {
        let ids = size.bigTeam
        // A step that is prime to their number visits ids far from each other, and the same in each run.
        let chosen = (0..<Self.requests).map { ids[$0 * 7919 % ids.count] }
        let pages = ids.count / Self.pageSize
        return [
            Read(name: "one compute", paths: chosen.map { "/computes/\($0)" }, hasRateTarget: true),
            Read(name: "first page", paths: ["/computes"]),
            Read(
                name: "page by cursor",
                paths: chosen.map { "/computes?cursor=\(Cursor(.computes, before: Int64($0)).text)" }),
            Read(name: "state RUNNING", paths: ["/computes?state=RUNNING"]),
            Read(name: "tag of half of all", paths: ["/computes?tag=web"]),
            Read(name: "tag of few", paths: chosen.map { "/computes?tag=\(Population.group($0))" }),
            Read(name: "tag and state", paths: ["/computes?tag=web&state=STOPPED"]),
            Read(name: "host name", paths: chosen.map { "/computes?hostName=\(Population.hostName($0))" }),
            Read(
                name: "page by number",
                paths: (0..<Self.requests).map { "/computes?page=\(1 + $0 * 7919 % pages)" }),
        ]
    }
}
