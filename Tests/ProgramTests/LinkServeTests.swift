import CloudMachines
import CloudTesting
import Foundation
import Testing

/// An API server and the worker of a host as two processes on one real PostgreSQL, with simulated machines.
@Suite("The link between two servers", .serialized, .timeLimit(.minutes(3)))
struct LinkServeTests {
    @Test("a host says where it is reached, answers there, and does not when its worker has ended")
    func reach() async throws {
        try await TwoServers.with { servers in
            try await eventually("the host has said where it is reached", within: .seconds(60)) {
                try await servers.host(reach: false)?.link == servers.link
            }
            #expect(try await servers.host(reach: false)?.linkAnswers == nil)
            let host = try #require(try await servers.host(reach: true))
            #expect(host.linkAnswers == true && host.linkProblem == nil)
            let table = try await servers.strettch("admin", "host", "list", "--reach")
            #expect(table.contains("\(servers.link), answers"))

            try await servers.kill(servers.worker)
            let lost = try #require(try await servers.host(reach: true))
            #expect(lost.linkAnswers == false)
            #expect(lost.linkProblem?.contains("'rack' does not answer at \(servers.link)") == true)

            try await servers.startWorker()
            try await eventually("the next worker answers", within: .seconds(60)) {
                try await servers.host(reach: true)?.linkAnswers == true
            }
        }
    }
}

/// The two processes, and what is asked of them.
struct TwoServers: Sendable {
    let folder: String
    let connection: String
    let port: Int

    var link: String { "127.0.0.1:\(port)" }
    var worker: String { "\(folder)/worker" }
    var api: String { "\(folder)/api" }
    private var environment: [String] {
        [
            "STRETTCH_DATABASE=\(connection)", "STRETTCH_CREDENTIALS=\(folder)/credentials.json",
            "HOME=\(folder)",
        ]
    }

    /// Below the ports that the kernel gives to connections.
    private static let ports = 20000...29999

    static func with(_ body: (TwoServers) async throws -> Void) async throws {
        try await TestPostgres.withServer { postgres in
            try await withTemporaryFolder { folder in
                let servers = TwoServers(
                    folder: folder, connection: try postgres.makeDatabase("cell"),
                    port: Int.random(in: ports))
                do {
                    try await servers.startAPI()
                    try await servers.startWorker()
                    try await body(servers)
                } catch {
                    await servers.end()
                    throw error
                }
                await servers.end()
            }
        }
    }

    private func end() async {
        for data in [worker, api] {
            do { try await kill(data) } catch { Issue.record("\(data): \(error)") }
        }
    }

    private func startAPI() async throws {
        try await start(["--role", "api", "--listen", "unix:\(folder)/socket", "--data", api], log: api)
        try await eventually("the API server has made the cell", within: .seconds(60)) {
            FileManager.default.fileExists(atPath: "\(folder)/credentials.json")
        }
    }

    func startWorker() async throws {
        try await start(
            [
                "--role", "worker", "--simulated", "--host-name", "rack", "--host-link", link, "--data",
                worker,
            ], log: worker)
    }

    private func start(_ arguments: [String], log: String) async throws {
        try await Command("env", environment + [ProgramTestPaths.program, "serve"] + arguments)
            .startDetached(log: "\(log).log")
    }

    /// Ends the server with that data folder as a crash would, and returns once it is gone.
    func kill(_ data: String) async throws {
        for pid in try NamedProcesses.all(naming: [data, "serve"]) { Foundation.kill(pid, SIGKILL) }
        try await eventually("the server of \(data) is gone") {
            try NamedProcesses.all(naming: [data, "serve"]).isEmpty
        }
    }

    /// Runs the program and returns what it printed.
    func strettch(_ arguments: String...) async throws -> String {
        try await Command(
            "env", environment + [ProgramTestPaths.program] + arguments + ["--data", api]
        ).run().standardOutput
    }

    /// What the operator is told of a host.
    struct SaidHost: Decodable {
        var link: String?
        var linkAnswers: Bool?
        var linkProblem: String?
    }

    /// The one host, once it has joined.
    func host(reach: Bool) async throws -> SaidHost? {
        let text =
            reach
            ? try await strettch("admin", "host", "list", "--json", "--reach")
            : try await strettch("admin", "host", "list", "--json")
        return try JSONDecoder().decode([SaidHost].self, from: Data(text.utf8)).first
    }
}
