import CloudClient
import CloudMachines
import CloudWire
import Foundation

/// A cell of API servers on one PostgreSQL, with hosts that are rows alone.
struct ThroughputCell: Sendable {
    let lab: Lab
    let postgres: PostgresBeside
    let hosts: Int

    private static let startLimit = Duration.seconds(30)
    /// Seconds of each measurement before the part that counts.
    private static let warmUpSeconds = 1
    /// Milliseconds ahead of now that the hosts were heard of: longer than any run.
    private static let heardAheadMs = 86_400_000

    private func socket(_ server: Int) -> String { "\(lab.folder)/s\(server)" }

    private var environment: [String: String] {
        [
            "STRETTCH_DATABASE": postgres.connection, "HOME": lab.folder,
            "STRETTCH_CREDENTIALS": "\(lab.folder)/credentials.json",
        ]
    }

    /// Runs `body` beside that many servers.
    func run<Outcome: Sendable>(
        servers: Int, _ body: () async throws -> Outcome
    ) async throws -> Outcome {
        guard servers > 0 else {
            try await addHosts()
            return try await body()
        }
        // Started one after the other, and ended in the reverse order.
        let program = ProgramBeside(
            program: lab.program,
            arguments: [
                "serve", "--role", "api", "--listen", "unix:\(socket(servers))", "--data",
                "\(lab.folder)/server-\(servers)", "--network", "bridged", "--rate-limit", "0", "--log-level",
                "warning",
            ], environment: environment, log: "\(lab.folder)/server-\(servers).log")
        return try await program.run {
            try await answers(servers)
            return try await run(servers: servers - 1, body)
        }
    }

    private func answers(_ server: Int) async throws {
        _ = try await Lab.poll("server \(server) answers", limit: Self.startLimit) { () -> Bool? in
            let file = CredentialsFile(path: "\(lab.folder)/credentials.json")
            guard let key = try file.read()?.key else { return nil }
            let answers = try? await StrettchClient.with(  // nil: it does not listen yet
                baseURL: url(server), key: key
            ) { try await $0.health() }
            return answers.map { _ in true }
        }
    }

    private func url(_ server: Int) -> String {
        "http+unix://" + socket(server).replacingOccurrences(of: "/", with: "%2F")
    }

    private func addHosts() async throws {
        try await postgres.sql(
            """
            INSERT INTO hosts (identity, name, state, heartbeat_ms, vcpus, memory_mb, storage_gb)
            SELECT 'host-' || n, 'host-' || n, 'ACTIVE', EXTRACT(EPOCH FROM now()) * 1000 + \(Self.heardAheadMs),
                100000, 100000000, 10000000 FROM generate_series(1, \(hosts)) AS n
            """)
    }

    /// Lets the point's clients create as fast as they are answered.
    func measure(_ point: ThroughputPoint, seconds: Int) async throws -> ThroughputRun {
        let keys = try await makeTeams(point.clients)
        let clock = ContinuousClock()
        let start = clock.now + .seconds(Self.warmUpSeconds)
        let end = start + .seconds(seconds)
        return try await withThrowingTaskGroup(of: Samples.self) { group in
            for (number, key) in keys.enumerated() {
                group.addTask {
                    try await load(server: number % point.servers + 1, key: key, from: start, to: end)
                }
            }
            try await clock.sleep(until: start)
            let before = try await usage()
            try await clock.sleep(until: end)
            let after = try await usage()
            var run = ThroughputRun(point: point, perSecond: 0)
            for try await samples in group { for value in samples.values { run.times.add(value) } }
            run.perSecond = Double(run.times.count) / Double(seconds)
            run.undone = Double(after.undone - before.undone) / Double(max(1, run.times.count))
            run.postgresCPU = (after.postgres - before.postgres) / Double(seconds)
            run.serverCPU = (after.servers - before.servers) / Double(seconds)
            run.clientCPU = (after.clients - before.clients) / Double(seconds)
            return run
        }
    }

    /// One client, which waits for each answer before it asks again. Throws when a create is refused.
    private func load(
        server: Int, key: String, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant
    ) async throws -> Samples {
        try await StrettchClient.with(baseURL: url(server), key: key) { client in
            var samples = Samples()
            var request = BenchRequest.make("create")
            request.withPublicIp = false
            let clock = ContinuousClock()
            while clock.now < end {
                let time = try await clock.measure {
                    _ = try await client.createCompute(request, idempotencyKey: UUID())
                }
                if clock.now >= start, clock.now < end { samples.add(time) }
            }
            return samples
        }
    }

    /// New teams, since a network has some thousand addresses, and their keys.
    private func makeTeams(_ count: Int) async throws -> [String] {
        var keys: [String] = []
        for _ in 0..<count {
            let arguments =
                environment.map { "\($0.key)=\($0.value)" } + [
                    lab.program, "admin", "team", "create", UUID().uuidString, "--data",
                    "\(lab.folder)/server-1",
                ]
            let output = try await Command("env", arguments).run().standardOutput
            keys.append(output.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return keys
    }

    /// What pgbench reaches with that many connections.
    func measureCommits(connections: Int, seconds: Int) async throws -> ThroughputRun {
        ThroughputRun(
            point: ThroughputPoint(servers: 0, clients: connections),
            perSecond: try await postgres.commits(connections: connections, seconds: seconds))
    }

    private struct Usage {
        var undone: Int
        var postgres: Double
        var servers: Double
        var clients: Double
    }

    private func usage() async throws -> Usage {
        let undone = try await postgres.sql(
            "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()")
        return Usage(
            undone: Int(undone) ?? 0, postgres: postgres.cpuSeconds(),
            servers: ProcessTimes.seconds(naming: "\(lab.folder)/server-"), clients: ProcessTimes.own)
    }
}
