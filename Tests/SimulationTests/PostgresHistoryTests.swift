import CloudSimulation
import CloudTesting
import Testing

@Suite("Simulated histories on PostgreSQL", .timeLimit(.minutes(20)))
struct PostgresHistoryTests {
    /// Each takes some ten times as long as on SQLite.
    static let count: UInt64 = 30
    /// Those of `DeterminismTests`, with several programs and crashes among them.
    static let seeds: [UInt64] = [3, 44, 171]

    @Test(
        "keep every promise, and one seed takes the same course each time, byte for byte, whatever ran before"
    )
    func promises() async throws {
        try await TestPostgres.withServer { server in
            _ = try server.makeDatabase("first")
            _ = try server.makeDatabase("second")
            let connections = ["first", "second"].map(server.superuserConnection)
            let first = try await SimulationThread.run {
                let simulation = try Simulation(postgres: connections[0])
                return try Self.seeds.map { try simulation.run(History(seed: $0), traced: true).trace }
            }
            let (figures, findings, second) = try await SimulationThread.run {
                let simulation = try Simulation(postgres: connections[1])
                var figures = Figures()
                var findings: [String] = []
                for seed in 1...Self.count {
                    let result = try simulation.run(History(seed: seed))
                    figures += result.figures
                    findings += result.findings.map { "seed \(seed): \($0)" }
                }
                let traces = try Self.seeds.map { try simulation.run(History(seed: $0), traced: true).trace }
                return (figures, findings, traces)
            }
            #expect(findings == [])
            #expect(first == second)
            #expect(first.allSatisfy { $0.split(separator: "\n").count > 20 })
            // They would keep them easily if nothing happened.
            #expect(figures.crashes > 4 && figures.faults > 20 && figures.commits > 1_000)
        }
    }
}
