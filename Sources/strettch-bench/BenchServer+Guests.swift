import CloudClient
import CloudWire
import Foundation

/// Real guests.
extension BenchServer {
    /// A full guest takes minutes where the processor is emulated.
    static let bootLimit = Duration.seconds(900)
    private static let goneLimit = Duration.seconds(30)
    private static let steps = ["image", "disk", "seed", "network", "boot", "confirm"]

    /// Creates a compute. Returns it, and how long it took from the 202 until its SSH server answered.
    func boot(_ request: CreateComputeWire, _ client: StrettchClient) async throws -> (ComputeWire, Duration)
    {
        let answer = try await client.createCompute(request, idempotencyKey: UUID())
        let clock = ContinuousClock()
        let start = clock.now
        let compute = try await Lab.poll("the compute runs", limit: Self.bootLimit) {
            let compute = try await client.compute(id: answer.data.id).data
            if let failure = compute.failure { throw Lab.failure("The compute failed: \(failure.message)") }
            return compute.state == "RUNNING" ? compute : nil
        }
        return (compute, clock.now - start)
    }

    /// Deletes it and returns once it is gone.
    func delete(_ compute: ComputeWire, _ client: StrettchClient) async throws {
        _ = try await client.deleteCompute(id: compute.id)
        try await Lab.poll("the compute is gone", limit: Self.goneLimit) {
            try await client.computes().data.isEmpty ? () : nil
        }
    }

    /// How long each step took, by the server's own log.
    static func stepFigures(_ log: Substring) -> [Figure] {
        var samples: [String: Samples] = [:]
        for line in log.split(separator: "\n") where line.hasSuffix("step done") {
            let pairs = line.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1) }
            let fields = Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { $1 }
            guard let step = fields["step"], let ms = fields["ms"].flatMap({ Double($0) }) else { continue }
            samples[String(step), default: Samples()].add(ms)
        }
        return steps.map { Figure("  of it: \($0)", samples[$0] ?? Samples()) }
    }
}
