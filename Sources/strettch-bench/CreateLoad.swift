import Foundation

/// Creates by kept connections, as fast as they are answered, against a fresh server whose machines are pretended.
struct CreateLoad {
    var clients: Int
    var machines: Machines
    var duration: Duration

    private static let warmUp = Duration.seconds(1)
    /// Addresses for 65,000 computes in one team, and no line of the log for each request.
    static let arguments = ["--simulated", "--team-prefix", "16", "--log-level", "error"]

    /// How long each call to a pretended machine takes.
    enum Machines {
        /// A second, as real ones take seconds: what is measured is how creates are accepted.
        case slow
        /// None, so that all that is done for a create competes with those that follow.
        case instant

        fileprivate var environment: [String: String] {
            ["STRETTCH_SIMULATED_DELAY": self == .slow ? "1000" : "0"]
        }
    }

    struct Outcome: Sendable {
        /// Accepted creates a second, and milliseconds from POST to 202.
        var load: LoadClient.Outcome
        /// Milliseconds of the server's processors for each create: while they were accepted, and with instant machines also
        /// all that its worker does for it afterwards.
        var processorMs: Double
    }

    func run(in lab: Lab) async throws -> Outcome {
        // A folder of its own, which goes with the run's: a file system that has just let go of many files takes longer to
        // make others (ext4 passes over inodes that were freed in the last minutes).
        let name = "create-\(UInt32.random(in: 0...UInt32.max))"
        return try await BenchServer.with(
            Self.arguments, environment: machines.environment, in: lab, name: name
        ) { server, client in
            let before = server.processorSeconds
            let load = try await LoadClient(
                target: server.target, clients: clients, status: 202,
                request: try APIRequest.creates(server.credentials)
            ).run(warmUp: Self.warmUp, duration: duration)
            if machines == .instant { try await server.untilDone(client) }
            let used = server.processorSeconds - before
            return Outcome(load: load, processorMs: used * 1000 / Double(max(1, load.answers)))
        }
    }
}
