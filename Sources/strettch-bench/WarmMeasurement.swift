import Foundation

/// From a create's 202 to RUNNING where a guest is booted ahead: each create finds the one of the pool ready.
struct WarmMeasurement {
    var count: Int
    var image = "TINY-1"

    /// Milliseconds, at the median. A full guest still has its own set-up to do, which takes what it takes.
    private static let target = 1000.0
    private static let targetImage = "TINY-1"

    func run(in lab: Lab) async throws -> [Figure] {
        let network = Lab.isBridged ? "bridged" : "user"
        let arguments = ["--network", network, "--warm", "\(image)/S-1C=1"]
        return try await BenchServer.with(arguments, in: lab, name: "real") { server, client in
            var (ahead, times) = (Samples(), Samples())
            let before = server.words.count
            for number in 1...count {
                ahead.add(try await ready(number, server, after: before))
                let (compute, time) = try await server.boot(
                    BenchRequest.make("ahead-\(number)", image: image), client)
                Lab.say("guest \(number) of \(count), booted ahead: \(time.milliseconds) ms")
                times.add(time)
                try await server.delete(compute, client)
            }
            return [
                Figure(
                    "202 to RUNNING, \(image), booted ahead", times,
                    target: image == Self.targetImage ? .atMost(Self.target) : nil),
                Figure("  before that: the boot of one ahead", ahead),
            ] + BenchServer.stepFigures(server.words.dropFirst(before))
        }
    }

    /// Waits until as many guests have been ready, and returns how many milliseconds the last one took to be.
    private func ready(_ number: Int, _ server: BenchServer, after before: Int) async throws -> Double {
        try await Lab.poll("a guest is ready ahead", limit: BenchServer.bootLimit, every: .milliseconds(200))
        {
            let lines = server.words.dropFirst(before).split(separator: "\n").filter {
                $0.hasSuffix("A guest is ready ahead.")
            }
            guard lines.count >= number, let line = lines.last else { return nil }
            return line.split(separator: " ").first { $0.hasPrefix("ms=") }.flatMap {
                Double($0.dropFirst(3))
            }
        }
    }
}
