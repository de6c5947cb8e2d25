import CloudClient
import Foundation

/// One `strettch serve` with a data folder of its own.
struct BenchServer {
    /// Absolute, and short: unix sockets lie in it.
    let data: String
    let log: String

    private static let startLimit = Duration.seconds(30)
    /// How much of the log a failure shows, in characters.
    private static let shownLog = 2000

    /// Runs `body` with a fresh server and a client of it, whose connection is kept; then ends the server.
    static func with<Result: Sendable>(
        _ arguments: [String], in lab: Lab, name: String,
        _ body: (BenchServer, StrettchClient) async throws -> Result
    ) async throws -> Result {
        let home = "\(lab.folder)/\(name)"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let server = BenchServer(data: "\(home)/data", log: "\(home)/serve.log")
        let program = ProgramBeside(
            program: lab.program,
            arguments: ["serve", "--listen", "unix:\(home)/s", "--data", server.data, "--rate-limit", "0"]
                + arguments,
            environment: ["STRETTCH_CREDENTIALS": "\(home)/credentials.json", "HOME": home], log: server.log)
        do {
            return try await program.run {
                let credentials = try await credentials("\(home)/credentials.json")
                return try await StrettchClient.with(baseURL: credentials.url, key: credentials.key) {
                    client in
                    try await body(server, client)
                }
            }
        } catch {
            Lab.say("the server's log ends:\n\(server.words.suffix(shownLog))")
            throw error
        }
    }

    /// The key that the first start makes, once the server answers.
    private static func credentials(_ path: String) async throws -> Credentials {
        try await Lab.poll("the server answers", limit: startLimit) {
            guard let credentials = try CredentialsFile(path: path).read() else { return nil }
            let answers = try? await StrettchClient.with(  // nil: it does not listen yet
                baseURL: credentials.url, key: credentials.key
            ) { try await $0.health() }
            return answers.map { _ in credentials }
        }
    }

    /// All that the server has logged.
    var words: String {
        (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""  // unreadable: it said nothing
    }
}
