import CloudSimulation
import Testing

@Suite("Simulated histories")
struct HistoryTests {
    /// `make sim` runs thousands; these are for whoever runs the tests alone.
    static let count: UInt64 = 200

    @Test("keep every promise, whatever fails, crashes and hangs", .timeLimit(.minutes(20)))
    func promises() async throws {
        let (figures, findings) = try await SimulationThread.run {
            let simulation = try Simulation()
            var figures = Figures()
            var findings: [String] = []
            for seed in 1...Self.count {
                let result = try simulation.run(History(seed: seed))
                figures += result.figures
                findings += result.findings.map { "seed \(seed): \($0)" }
            }
            return (figures, findings)
        }
        #expect(findings == [])
        // They would keep them easily if nothing happened.
        #expect(figures.crashes > 20)
        #expect(figures.faults > 100)
        #expect(figures.commits > 5_000)
    }
}
