import CloudClient
import Foundation

/// One `strettch serve` with a data folder of its own.
struct BenchServer {
    /// Absolute, and short: unix sockets lie in it.
    let data: String
    let log: String
    private let process: Process

    private static let startLimit = Duration.seconds(30)
    private static let endLimit = Duration.seconds(40)

    /// Runs `body` with a fresh server and a client of it, whose connection is kept; then ends the server.
    static func with<Result: Sendable>(
        _ arguments: [String], in lab: Lab, name: String,
        _ body: (BenchServer, StrettchClient) async throws -> Result
    ) async throws -> Result {
        let home = "\(lab.folder)/\(name)"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let server = try start(lab.program, arguments, home)
        let outcome: Swift.Result<Result, any Error>
        do {
            let credentials = try await server.credentials("\(home)/credentials.json")
            outcome = .success(
                try await StrettchClient.with(baseURL: credentials.url, key: credentials.key) { client in
                    try await body(server, client)
                })
        } catch {
            outcome = .failure(error)
        }
        try await server.end()
        return try outcome.get()
    }

    private static func start(_ program: String, _ arguments: [String], _ home: String) throws -> BenchServer
    {
        let log = "\(home)/serve.log"
        try Data().write(to: URL(filePath: log))
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["serve", "--listen", "unix:\(home)/s", "--data", "\(home)/data"] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["STRETTCH_CREDENTIALS": "\(home)/credentials.json", "HOME": home]
        ) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        try process.run()
        return BenchServer(data: "\(home)/data", log: log, process: process)
    }

    /// The key that the first start made, once the server answers.
    private func credentials(_ path: String) async throws -> Credentials {
        try await Lab.poll("the server answers", limit: Self.startLimit) {
            guard process.isRunning else { throw Lab.failure("The server ended. It said:\n\(words)") }
            guard let credentials = try CredentialsFile(path: path).read() else { return nil }
            let health = try? await StrettchClient.with(  // nil: it does not listen yet
                baseURL: credentials.url, key: credentials.key
            ) { try await $0.health() }
            return health.map { _ in credentials }
        }
    }

    private func end() async throws {
        process.terminate()
        try await Lab.poll("the server has ended", limit: Self.endLimit) { process.isRunning ? nil : () }
    }

    /// All that the server has logged.
    var words: String {
        (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""  // unreadable: it said nothing
    }
}
