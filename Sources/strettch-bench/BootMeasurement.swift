import CloudClient
import CloudWire
import Foundation

/// From a create's 202 to RUNNING, beside the same QEMU with the same devices started by hand until its SSH banner, in
/// turns. The by-hand side has disk, seed and network made before its clock starts, so it is the floor.
struct BootMeasurement {
    var count: Int

    /// RUNNING may take this many times as long as by hand, at the median.
    private static let targetRatio = 1.10
    private static let bootLimit = Duration.seconds(60)
    private static let goneLimit = Duration.seconds(30)
    private static let steps = ["image", "disk", "seed", "network", "boot", "confirm"]

    private struct Times {
        var api = Samples()
        var hand = Samples()
        var accelerator = ""
    }

    func run(in lab: Lab) async throws -> Measured {
        let network = Lab.isBridged ? "bridged" : "user"
        return try await BenchServer.with(["--network", network], in: lab, name: "real") { server, client in
            Lab.say("a first boot, which does not count")
            _ = try await bootThroughAPI(client, server, "warm-up", in: lab)
            let before = server.words.count
            var times = Times()
            for number in 1...count {
                let (time, guest) = try await bootThroughAPI(
                    client, server, "boot-\(number)", in: lab)
                let handTime = try await guest.boot(limit: Self.bootLimit)
                Lab.say("boot \(number) of \(count): API \(seconds(time)), by hand \(seconds(handTime))")
                times.api.add(time)
                times.hand.add(handTime)
                times.accelerator = guest.accelerator
            }
            return Measured(
                figures: figures(times) + stepFigures(server.words.dropFirst(before)),
                accelerator: times.accelerator)
        }
    }

    /// Returns how long the create took to RUNNING, and what it takes to do the same by hand; the compute is gone then.
    private func bootThroughAPI(
        _ client: StrettchClient, _ server: BenchServer, _ hostName: String, in lab: Lab
    ) async throws -> (Duration, HandMadeGuest) {
        let answer = try await client.createCompute(BenchRequest.make(hostName), idempotencyKey: UUID())
        let clock = ContinuousClock()
        let start = clock.now
        let compute = try await Lab.poll("the compute runs", limit: Self.bootLimit) {
            let compute = try await client.compute(id: answer.data.id).data
            if let failure = compute.failure { throw Lab.failure("The compute failed: \(failure.message)") }
            return compute.state == "RUNNING" ? compute : nil
        }
        let time = clock.now - start
        let guest = try await HandMadeGuest.like(compute, data: server.data, folder: "\(lab.folder)/hand")
        _ = try await client.deleteCompute(id: compute.id)
        try await Lab.poll("the compute is gone", limit: Self.goneLimit) {
            try await client.computes().data.isEmpty ? () : nil
        }
        return (time, guest)
    }

    private func figures(_ times: Times) -> [Figure] {
        var ratio = Samples()
        ratio.add(times.api.median / times.hand.median)
        return [
            Figure("202 to RUNNING", times.api), Figure("by hand: QEMU to banner", times.hand),
            Figure("ratio of the medians", ratio, unit: "", target: .atMost(Self.targetRatio)),
        ]
    }

    /// How long each step took, by the server's own log.
    private func stepFigures(_ log: Substring) -> [Figure] {
        var samples: [String: Samples] = [:]
        for line in log.split(separator: "\n") where line.hasSuffix("step done") {
            let pairs = line.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1) }
            let fields = Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { $1 }
            guard let step = fields["step"], let ms = fields["ms"].flatMap({ Double($0) }) else { continue }
            samples[String(step), default: Samples()].add(ms)
        }
        return Self.steps.map { Figure("  of it: \($0)", samples[$0] ?? Samples()) }
    }

    private func seconds(_ duration: Duration) -> String {
        duration.formatted(.units(allowed: [.seconds], fractionalPart: .show(length: 2)))
    }
}
