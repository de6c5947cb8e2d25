import CloudClient
import CloudWire
import Foundation

/// From a create's 202 to RUNNING, beside the same QEMU with the same devices started by hand until its SSH banner, in
/// turns. The by-hand side has disk, seed and network made before its clock starts, so it is the floor.
struct BootMeasurement {
    var count: Int
    var image = "TINY-1"

    /// RUNNING may take this many times as long as by hand, at the median.
    private static let targetRatio = 1.05

    private struct Times {
        var api = Samples()
        var hand = Samples()
        var accelerator = ""
    }

    func run(in lab: Lab) async throws -> Measured {
        let network = Lab.isBridged ? "bridged" : "user"
        return try await BenchServer.with(["--network", network], in: lab, name: "real") { server, client in
            Lab.say("a first boot, which does not count")
            _ = try await bootThroughAPI(client, server, "first", in: lab)
            let before = server.words.count
            var times = Times()
            for number in 1...count {
                let (time, guest) = try await bootThroughAPI(
                    client, server, "boot-\(number)", in: lab)
                let handTime = try await guest.boot(limit: BenchServer.bootLimit)
                Lab.say("boot \(number) of \(count): API \(seconds(time)), by hand \(seconds(handTime))")
                times.api.add(time)
                times.hand.add(handTime)
                times.accelerator = guest.accelerator
            }
            return Measured(
                figures: figures(times) + BenchServer.stepFigures(server.words.dropFirst(before)),
                accelerator: times.accelerator)
        }
    }

    /// Returns how long the create took to RUNNING, and what it takes to do the same by hand; the compute is gone then.
    private func bootThroughAPI(
        _ client: StrettchClient, _ server: BenchServer, _ hostName: String, in lab: Lab
    ) async throws -> (Duration, HandMadeGuest) {
        let (compute, time) = try await server.boot(BenchRequest.make(hostName, image: image), client)
        let guest = try await HandMadeGuest.like(compute, data: server.data, folder: "\(lab.folder)/hand")
        try await server.delete(compute, client)
        return (time, guest)
    }

    private func figures(_ times: Times) -> [Figure] {
        var ratio = Samples()
        ratio.add(times.api.median / times.hand.median)
        return [
            Figure("202 to RUNNING, \(image)", times.api), Figure("by hand: QEMU to banner", times.hand),
            Figure("ratio of the medians", ratio, unit: "", target: .atMost(Self.targetRatio)),
        ]
    }

    private func seconds(_ duration: Duration) -> String {
        duration.formatted(.units(allowed: [.seconds], fractionalPart: .show(length: 2)))
    }
}
