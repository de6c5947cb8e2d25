import CloudClient
import CloudCore
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite("A clock that jumps", .serialized)
struct ClockJumpTests {
    /// Long enough for some ten calls of the host, each of which is made slow.
    private static let limit = Duration.seconds(30)
    private static let slow = ["STRETTCH_SIMULATED_DELAY=200"]

    @Test(
        "a day forward or an hour back, while the server runs and while it does not, ends no work and delays none",
        .enabled(if: SetClock.isPossible, "this machine lacks a C compiler"))
    func jumps() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            try await cloud.end(SIGTERM)
            let clock = try await SetClock(in: cloud.folder)
            let environment = clock.environment + Self.slow
            for seconds in [86400, -3600] {
                try clock.set(seconds: 0)
                try await cloud.start(environment: environment)
                // While it runs.
                let running = try await cloud.create("runs")
                try await cloud.wait(running, at: .image)
                try clock.set(seconds: seconds)
                try await isRunning(running, cloud)
                try await isOff(by: 0, cloud)
                // While it does not.
                try clock.set(seconds: 0)
                let killed = try await cloud.create("killed")
                try await cloud.wait(killed, at: .network)
                try await cloud.end(SIGKILL)
                try clock.set(seconds: seconds)
                try await cloud.start(environment: environment)
                try await isRunning(killed, cloud)
                try await isOff(by: seconds, cloud)
                try await cloud.end(SIGTERM)
            }
        }
    }

    private func isRunning(_ id: String, _ cloud: RealCloud) async throws {
        try await eventually("compute \(id) runs", within: Self.limit) {
            let compute = try await cloud.client { try await $0.compute(id: id) }.data
            if let failure = compute.failure { throw TestFailure("\(failure)") }
            return compute.state == "RUNNING"
        }
    }

    /// Expects that the server's time is so far from the host's, to ten minutes.
    private func isOff(by seconds: Int, _ cloud: RealCloud) async throws {
        let shown = try await cloud.client { try await $0.health() }.timestamp
        let time = try Date(shown, strategy: .iso8601)
        #expect(abs(time.timeIntervalSinceNow - Double(seconds)) < 600, "\(seconds): \(shown)")
    }
}
