import CloudAudit
import CloudSimulation
import Synchronization
import Testing

@Suite("A planted bug")
struct MutationTests {
    static let mostSeeds: UInt64 = 1_000

    /// Seeds that were found to keep every promise without a bug: the mutants share them.
    private static let clean = Mutex<Set<UInt64>>([])

    @Test(
        "is found within 1,000 seeds, by the promise that it breaks, and the same seeds are clean without it",
        .timeLimit(.minutes(30)), arguments: Mutant.all)
    func isFound(mutant: Mutant) async throws {
        let found = try await SimulationThread.run { () -> UInt64? in
            let simulation = try Simulation(sabotage: mutant.sabotage)
            return try Self.seeds(mutant).first { seed in
                try simulation.run(History(seed: seed)).findings.contains { $0.invariant == mutant.breaks }
            }
        }
        let seed = try #require(found, "nothing breaks \(mutant.breaks)")
        let findings = try await SimulationThread.run {
            try Self.findings(in: Self.seeds(mutant).prefix { $0 <= seed })
        }
        #expect(findings == [])
    }

    @Test("there is one for every promise")
    func complete() {
        let planted = Set(Mutant.all.map(\.breaks))
        let promises = Invariant.allCases.map(\.rawValue) + ClientPromise.allCases.map(\.rawValue)
        #expect(promises.filter { !planted.contains($0) } == [])
    }

    /// The seeds of histories in which the bug can show.
    private static func seeds(_ mutant: Mutant) -> some Sequence<UInt64> {
        (1...mostSeeds).lazy.filter { mutant.canShow(History(seed: $0)) }
    }

    /// What the product without a bug breaks in these seeds.
    private static func findings(in seeds: some Sequence<UInt64>) throws -> [String] {
        let simulation = try Simulation()
        var findings: [String] = []
        for seed in seeds where !clean.withLock({ $0.contains(seed) }) {
            let result = try simulation.run(History(seed: seed))
            findings += result.findings.map { "seed \(seed): \($0)" }
            if result.findings.isEmpty { _ = clean.withLock { $0.insert(seed) } }
        }
        return findings
    }
}
