import Foundation

/// The accept path: creates a second and their times, at several numbers of clients, each answered after its own commit
/// was synced; in turns with what the disk, SQLite and the HTTP server can do at most.
struct AcceptMeasurement {
    var rounds: Int
    /// Of each load.
    var duration: Duration

    static let clients = [1, 8, 32, 128]
    /// Those whose machines also take no time.
    private static let clientsOfInstant = [1, 32]
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
            series.add("creates without HTTP, \(Self.targetClients) at once", limits.creates, unit: "/s")
            series.add(
                "  times SQLite's single inserts", of: "alone", limits.creates / limits.inserts, unit: "")
            for clients in Self.clients {
                Lab.say("accepts, round \(round) of \(rounds): \(clients) clients")
                add(try await load(clients, .slow, in: lab), clients, limits, to: &series)
            }
            for clients in Self.clientsOfInstant {
                Lab.say(
                    "accepts, round \(round) of \(rounds): \(clients) clients, machines that take no time")
                add(
                    try await load(clients, .instant, in: lab), "\(name(clients)), instant machines",
                    to: &series)
            }
        }
        return series.figures
    }

    private func load(
        _ clients: Int, _ machines: CreateLoad.Machines, in lab: Lab
    ) async throws -> CreateLoad.Outcome {
        try await CreateLoad(clients: clients, machines: machines, duration: duration).run(in: lab)
    }

    private func name(_ clients: Int) -> String { clients == 1 ? "1 client" : "\(clients) clients" }

    private func add(
        _ outcome: CreateLoad.Outcome, _ clients: Int, _ limits: Limits, to series: inout FigureSeries
    ) {
        let (load, name) = (outcome.load, name(clients))
        add(outcome, name, p99: clients == Self.targetClients ? .atMost(25) : nil, to: &series)
        if clients == 1 {
            series.add(
                "  p50 beyond the append", of: name, load.times.median - limits.append, target: .atMost(1))
        }
        if clients == Self.targetClients {
            series.add(
                "  times SQLite's single inserts", of: name, load.perSecond / limits.inserts, unit: "",
                target: .atLeast(3))
        }
    }

    private func add(
        _ outcome: CreateLoad.Outcome, _ name: String, p99: FigureTarget? = nil, to series: inout FigureSeries
    ) {
        series.add("creates, \(name)", outcome.load.perSecond, unit: "/s")
        series.add("  p50", of: name, outcome.load.times.median)
        series.add("  p99", of: name, outcome.load.times.percentile(99), target: p99)
        series.add("  processor a create", of: name, outcome.processorMs)
    }

    private struct Limits {
        /// Milliseconds.
        var append: Double
        /// A second.
        var inserts: Double
        var hellos: Double
        var creates: Double
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
        let creates = try await CreatesAlone(path: "\(lab.folder)/creates-\(UUID().uuidString).sqlite")
            .run(Self.targetClients, for: Self.limitDuration)
        return Limits(
            append: appends.median, inserts: inserts, hellos: hellos.perSecond, creates: creates)
    }
}
