import CloudMachines
import Foundation

/// A PostgreSQL server of the run's own, on a unix socket, with every sync that production has.
struct PostgresBeside: Sendable {
    /// Absolute, and short: the socket lies in it.
    var folder: String
    /// Microseconds before each sync.
    var syncDelay: Int

    private static let startLimit = Duration.seconds(30)
    private static let role = "strettch"
    private static let database = "strettch"

    /// How the programs reach it.
    var connection: String { "host=\(folder) dbname=\(Self.database) user=\(Self.role)" }

    /// Runs `body` beside the server, in which there is an empty database.
    func run<Outcome: Sendable>(
        _ body: (PostgresBeside) async throws -> Outcome
    ) async throws -> Outcome {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if geteuid() == 0 { try await Command("chown", ["postgres:", folder]).run() }
        let initdb = try unprivileged(
            "initdb",
            [
                "--pgdata", "\(folder)/data", "--username", Self.role, "--auth", "trust", "--locale", "C",
                "--encoding", "UTF8",
            ])
        try await Command(initdb[0], Array(initdb.dropFirst()), timeoutSeconds: 120).run()
        var arguments = [
            "-D", "\(folder)/data", "-c", "listen_addresses=", "-c", "unix_socket_directories=\(folder)",
        ]
        if syncDelay > 0 { arguments += ["-c", "commit_delay=\(syncDelay)", "-c", "commit_siblings=0"] }
        let server = try unprivileged("postgres", arguments)
        let beside = ProgramBeside(
            program: server[0], arguments: Array(server.dropFirst()), log: "\(folder)/../postgres.log")
        return try await beside.run {
            _ = try await Lab.poll("PostgreSQL answers", limit: Self.startLimit) {
                try? await sql("SELECT 1", in: "postgres")  // nil: not yet
            }
            try await sql("CREATE DATABASE \(Self.database) TEMPLATE template0", in: "postgres")
            return try await body(self)
        }
    }

    /// Runs one statement, and returns what psql prints of its rows.
    @discardableResult
    func sql(_ statement: String, in database: String = Self.database) async throws -> String {
        try await Command(
            try Self.program("psql"),
            ["-h", folder, "-U", Self.role, "-d", database, "-XAtqc", statement]
        ).run().standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Transactions a second that insert one row each and are synced, by pgbench.
    func commits(connections: Int, seconds: Int) async throws -> Double {
        try await sql(
            "CREATE TABLE IF NOT EXISTS bench_commits (id BIGSERIAL PRIMARY KEY, word TEXT NOT NULL)")
        let script = "\(folder)/../insert.sql"
        try Data("INSERT INTO bench_commits (word) VALUES ('a row');\n".utf8).write(
            to: URL(fileURLWithPath: script))
        let output = try await Command(
            try Self.program("pgbench"),
            [
                "-h", folder, "-U", Self.role, "-n", "-M", "prepared", "-f", script, "-c", "\(connections)",
                "-j",
                "2", "-T", "\(seconds)", Self.database,
            ], timeoutSeconds: seconds + 60
        ).run().standardOutput
        let line = output.split(separator: "\n").first { $0.hasPrefix("tps = ") }
        guard let tps = line?.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) }) else {
            throw Lab.failure("pgbench did not say how much it did: \(output)")
        }
        return tps
    }

    /// Seconds of processor that all of the server's processes have used.
    func cpuSeconds() -> Double { ProcessTimes.seconds(naming: "\(folder)/data", withChildren: true) }

    /// As the user that PostgreSQL insists on, when this is root.
    private func unprivileged(_ program: String, _ arguments: [String]) throws -> [String] {
        let own = [try Self.program(program)] + arguments
        guard geteuid() == 0 else { return own }
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] + own
    }

    /// Debian keeps them by version, out of the PATH.
    private static func program(_ name: String) throws -> String {
        let folder = "/usr/lib/postgresql"
        let versions = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { Int($0) }
        guard let newest = versions.max() else {
            throw Lab.failure("No PostgreSQL is installed. Install the package postgresql.")
        }
        return "\(folder)/\(newest)/bin/\(name)"
    }
}
