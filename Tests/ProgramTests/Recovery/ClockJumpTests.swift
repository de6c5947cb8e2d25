import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite("A clock that jumps", .serialized)
struct ClockJumpTests {
    /// Debian's libfaketime: programs that load it see the time that a file says.
    private static let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
    private static let isHere = FileManager.default.fileExists(atPath: library)
    /// Long enough for some ten calls of the host, each of which is made slow.
    private static let limit = Duration.seconds(30)

    @Test(
        "a day forward or an hour back, while the server runs and while it does not, ends no work and delays none",
        .enabled(if: isHere, "this machine lacks libfaketime"))
    func jumps() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            try await cloud.end(SIGTERM)
            let file = "\(cloud.folder)/time"
            let environment = [
                "LD_PRELOAD=\(Self.library)", "FAKETIME_TIMESTAMP_FILE=\(file)", "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1", "STRETTCH_SIMULATED_DELAY=300",
            ]
            for (first, then) in [("+0", "+1d"), ("+0", "-1h"), ("+1d", "+0"), ("-1h", "+0")] {
                try first.write(toFile: file, atomically: true, encoding: .utf8)
                try await cloud.start(environment: environment)
                // While it runs.
                let running = try await cloud.create("runs")
                try await reaches("seed", running, cloud)
                try then.write(toFile: file, atomically: true, encoding: .utf8)
                try await isRunning(running, cloud)
                // While it does not.
                try first.write(toFile: file, atomically: true, encoding: .utf8)
                let killed = try await cloud.create("killed")
                try await reaches("network", killed, cloud)
                try await cloud.end(SIGKILL)
                try then.write(toFile: file, atomically: true, encoding: .utf8)
                try await cloud.start(environment: environment)
                try await isRunning(killed, cloud)
                try await seesTheFile(then, cloud)
                try await cloud.end(SIGTERM)
            }
        }
    }

    private func reaches(_ step: String, _ id: String, _ cloud: RealCloud) async throws {
        try await eventually("compute \(id) is at \(step)") {
            try await cloud.client { try await $0.compute(id: id) }.data.task?.step == step
        }
    }

    private func isRunning(_ id: String, _ cloud: RealCloud) async throws {
        try await eventually("compute \(id) runs", within: Self.limit) {
            let compute = try await cloud.client { try await $0.compute(id: id) }.data
            if let failure = compute.failure { throw TestFailure("\(failure)") }
            return compute.state == "RUNNING"
        }
    }

    /// Expects that the server, which has just been started, has the time that it was given: else nothing was tested.
    private func seesTheFile(_ offset: String, _ cloud: RealCloud) async throws {
        let offsets: [String: Double] = ["+0": 0, "+1d": 86400, "-1h": -3600]
        let seconds = try #require(offsets[offset])
        let shown = try await cloud.client { try await $0.health() }.timestamp
        let time = try #require(try? Date(shown, strategy: .iso8601), "it is no time")
        #expect(abs(time.timeIntervalSinceNow - seconds) < 600, "\(offset): \(shown)")
    }
}
