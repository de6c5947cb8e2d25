import CloudClient
import CloudMachines
import CloudTesting
import Foundation

/// One of the API servers, which have nothing in common but the database.
struct FleetServer: Sendable {
    let number: Int
    let folder: String
    let connection: String

    private var data: String { "\(folder)/server-\(number)" }
    private var socket: String { "\(folder)/s\(number)" }
    private var credentials: String { "STRETTCH_CREDENTIALS=\(folder)/credentials.json" }

    func start() async throws {
        try await Command(
            "env",
            [
                "STRETTCH_DATABASE=\(connection)", credentials, ProgramTestPaths.program, "serve", "--role",
                "api",
                "--listen", "unix:\(socket)", "--data", data, "--network", "bridged", "--rate-limit", "0",
            ]
        ).startDetached(log: "\(data).log")
    }

    /// Returns once it answers.
    func answers() async throws {
        try await eventually("server \(number) answers", within: .seconds(60)) {
            (try? await client { try await $0.health() }) != nil  // nil: not yet
        }
    }

    /// Ends it as a power cut would, and returns once it is gone.
    func kill() async throws {
        for pid in try NamedProcesses.all(naming: [data, "serve"]) { Foundation.kill(pid, SIGKILL) }
        try await eventually("server \(number) is gone") {
            try NamedProcesses.all(naming: [data, "serve"]).isEmpty
        }
    }

    /// Runs `body` with the API's client and the owner's key.
    func client<T: Sendable>(
        options: StrettchClient.Options = .init(), _ body: (StrettchClient) async throws -> T
    ) async throws -> T {
        let file = try CredentialsFile(environment: [
            "STRETTCH_CREDENTIALS": "\(folder)/credentials.json"
        ])
        guard let credentials = try file.read() else { throw TestFailure("no credentials yet") }
        return try await StrettchClient.with(
            baseURL: "http+unix://" + socket.replacing("/", with: "%2F"), key: credentials.key,
            options: options,
            body)
    }
}
