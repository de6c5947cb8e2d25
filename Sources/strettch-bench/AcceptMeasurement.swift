import Foundation

/// The accept path: creates a second and their times, at several numbers of clients, each answered after its own commit
/// was synced; in turns with what the disk, SQLite and the HTTP server can do at most.
struct AcceptMeasurement {
    var rounds: Int
    /// Of each load.
    var duration: Duration

    static let clients = [1, 8, 32, 128]
    /// The load that has targets of its own.
    private static let targetClients = 32
    private static let limitDuration = Duration.seconds(1)
    private static let warmUp = Duration.milliseconds(200)

    func run(in lab: Lab) async throws -> [Figure] {
        var series = FigureSeries()
        for round in 1...rounds {
            Lab.say("accepts, round \(round) of \(rounds): the limits")
            let limits = try await limits(in: lab)
            series.add("synced 4 KiB append", limits.append)
            series.add("SQLite, one insert a transaction", limits.inserts, unit: "/s")
            series.add("hello-world, \(Self.targetClients) clients", limits.hellos, unit: "/s")
            for clients in Self.clients {
                Lab.say("accepts, round \(round) of \(rounds): \(clients) clients")
                let outcome = try await CreateLoad(clients: clients, duration: duration).run(in: lab)
                add(outcome, clients, limits, to: &series)
            }
        }
        return series.figures
    }

    private func add(
        _ outcome: CreateLoad.Outcome, _ clients: Int, _ limits: Limits, to series: inout FigureSeries
    ) {
        let (load, isTarget) = (outcome.load, clients == Self.targetClients)
        let name = clients == 1 ? "1 client" : "\(clients) clients"
        series.add("creates, \(name)", load.perSecond, unit: "/s")
        series.add("  p50", of: name, load.times.median)
        series.add("  p99", of: name, load.times.percentile(99), target: isTarget ? .atMost(25) : nil)
        series.add("  processor a create, its worker's with it", of: name, outcome.processorMs)
        if clients == 1 {
            series.add(
                "  p50 beyond the append", of: name, load.times.median - limits.append, target: .atMost(1))
        }
        if isTarget {
            series.add(
                "  times SQLite's single inserts", of: name, load.perSecond / limits.inserts, unit: "",
                target: .atLeast(3))
        }
    }

    private struct Limits {
        /// Milliseconds.
        var append: Double
        /// A second.
        var inserts: Double
        var hellos: Double
    }

    private func limits(in lab: Lab) async throws -> Limits {
        let clock = ContinuousClock()
        var appends = Samples()
        let disk = try SyncedAppend(path: "\(lab.folder)/append")
        let end = clock.now + Self.limitDuration
        while clock.now < end { appends.add(try clock.measure { try disk.append() }) }
        let inserts = try SingleInserts(path: "\(lab.folder)/inserts.sqlite").run(for: Self.limitDuration)
        let hellos = try await HelloServer.with(in: lab) {
            try await $0.measure(
                clients: Self.targetClients, warmUp: Self.warmUp, duration: Self.limitDuration)
        }
        return Limits(append: appends.median, inserts: inserts, hellos: hellos.perSecond)
    }
}
