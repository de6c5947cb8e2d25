import CloudMachines
import CloudSimulation
import Foundation
import Testing

@Suite("A simulated history")
struct DeterminismTests {
    /// With several programs, crashes and hanging calls among them.
    static let seeds: [UInt64] = [3, 44, 171]

    @Test("one seed takes the same course each time, byte for byte, in another process too", arguments: seeds)
    func sameCourse(seed: UInt64) async throws {
        let first = try await SimulationThread.run {
            try Simulation().run(History(seed: seed), traced: true).trace
        }
        let second = try await SimulationThread.run {
            let simulation = try Simulation()
            // What ran before on the same thread changes nothing.
            _ = try simulation.run(History(seed: seed + 1))
            return try simulation.run(History(seed: seed), traced: true).trace
        }
        #expect(first == second)
        let other = try await Command(
            Self.program, ["--seed", "\(seed)", "--trace"], timeoutSeconds: 60
        ).run().standardOutput
        #expect(other.contains("\n\(first)"))
        #expect(first.split(separator: "\n").count > 20)
    }

    @Test("two seeds take different courses")
    func otherCourse() async throws {
        let traces = try await SimulationThread.run {
            let simulation = try Simulation()
            return try [1, 2].map { try simulation.run(History(seed: $0), traced: true).trace }
        }
        #expect(traces[0] != traces[1])
    }

    /// Beside the test's own bundle.
    private static var program: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("strettch-sim").path
    }
}
