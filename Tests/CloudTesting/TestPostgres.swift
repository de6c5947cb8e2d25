import CloudDatabase
import CloudMachines
import FoundationEssentials
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A PostgreSQL server of this process's own, on a unix socket in a folder in /tmp: started once when the first test needs
/// it, as an unprivileged user when this is root, and ended with the process.
public struct TestPostgres: Sendable {
    /// Holds `data`, the socket and the log.
    public let folder: String
    private let programs: String

    static let names = Mutex(0)
    static let prefix = "strettch-postgres-"
    /// Seconds that the server may take to start.
    private static let startSeconds = 60
    /// Looks whether it has ended, and the pause between two.
    private static let endLooks = 200
    private static let endPauseMicroseconds: UInt32 = 10_000

    /// Runs `body` with a server of its own, for tests that kill it.
    public static func withServer<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: (TestPostgres) async throws -> T
    ) async throws -> T {
        let server = try await make()
        let result: Result<T, any Error>
        do { result = .success(try await body(server)) } catch { result = .failure(error) }
        server.remove()
        return try result.get()
    }

    /// How a database of this server is reached.
    public func connection(_ database: String) -> String {
        "host=\(folder) dbname=\(database) user=\(Self.role)"
    }

    /// The same as a superuser, for what is more than a program may do.
    public func superuserConnection(_ database: String) -> String {
        "host=\(folder) dbname=\(database) user=\(Self.superuser)"
    }

    /// Whom the programs are, and who owns their databases; no superuser.
    static let role = "program"
    private static let superuser = "administrator"

    /// Runs statements as the superuser, and returns the first value that the last one answers.
    @discardableResult
    public func administer(_ statements: String..., in database: String = "postgres") throws -> String {
        let client = try PostgresClient(
            try PostgresSettings(connection: superuserConnection(database)))
        var value = ""
        for statement in statements { value = try client.value(statement) }
        return value
    }

    // MARK: Its life

    static func make() async throws -> TestPostgres {
        let number = names.withLock { number in
            number += 1
            return number
        }
        let folder = "/tmp/\(prefix)\(getpid())-\(number)"
        let server = TestPostgres(folder: folder, programs: try newestPrograms())
        removeLeftovers()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        if geteuid() == 0 { try await Command("chown", ["postgres:", folder]).run() }
        let arguments = [
            "--pgdata", "\(folder)/data", "--username", superuser, "--auth", "trust", "--encoding", "UTF8",
            "--locale", "C", "--no-sync", "--no-instructions",
        ]
        try await server.unprivileged("initdb", arguments).run()
        try await server.start()
        _ = endsWithProcess
        folders.withLock { $0.append(folder) }
        try server.administer("CREATE ROLE \(role) LOGIN")
        return server
    }

    /// Starts the server, and returns when it answers.
    public func start() async throws {
        // Without autovacuum, whose transactions would hold back events for moments that no test expects.
        let options =
            "-c listen_addresses= -c unix_socket_directories=\(folder) -c max_connections=200 -c autovacuum=off"
            + " -c shared_buffers=64MB -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=4GB"
        let arguments = [
            "start", "--pgdata", "\(folder)/data", "--log", "\(folder)/log", "--wait", "--timeout",
            "\(Self.startSeconds)", "--options", options,
        ]
        // After a kill the server's children may need a moment to find out, and it does not start before they have.
        try await eventually("PostgreSQL starts") {
            (try? await unprivileged("pg_ctl", arguments).run()) != nil  // nil: not yet
        }
    }

    /// Kills the server as a crash of the machine would, all of its processes.
    public func kill() {
        // Safe: takes a number that the server wrote itself. Its children end when they find it gone.
        if let pid { _ = Self.signal(pid, SIGKILL) }
    }

    /// The server's main process, while there is one.
    public var pid: pid_t? {
        // None: it has ended.
        let text = try? String(contentsOfFile: "\(folder)/data/postmaster.pid", encoding: .utf8)
        return text?.split(separator: "\n").first.flatMap { pid_t($0) }
    }

    fileprivate func remove() { Self.remove(folder) }

    private static func signal(_ pid: pid_t, _ signal: Int32) -> Bool {
        #if canImport(Glibc)
            Glibc.kill(pid, signal) == 0
        #else
            Darwin.kill(pid, signal) == 0
        #endif
    }

    private static func remove(_ folder: String) {
        let server = TestPostgres(folder: folder, programs: "")
        // SIGQUIT ends it and its children at once, and the last thing that it does is to remove the file with its pid.
        if let pid = server.pid, signal(pid, SIGQUIT) {
            for _ in 0..<endLooks where server.pid != nil { usleep(endPauseMicroseconds) }
        }
        try? FileManager.default.removeItem(atPath: folder)  // a leftover in /tmp breaks nothing
    }

    /// Servers of test processes that were killed.
    private static func removeLeftovers() {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "/tmp")  // else they stay
        for name in names ?? [] where name.hasPrefix(prefix) {
            let owner = name.dropFirst(prefix.count).split(separator: "-").first.flatMap { pid_t($0) }
            if let owner, !signal(owner, 0), errno == ESRCH { remove("/tmp/\(name)") }
        }
    }

    private static let folders = Mutex<[String]>([])
    /// Set once: the servers end when the process does.
    private static let endsWithProcess: Void = {
        // Safe: the function takes nothing with it, and what it uses lives as long as the process.
        atexit { for folder in TestPostgres.folders.withLock({ $0 }) { TestPostgres.remove(folder) } }
    }()

    private func unprivileged(_ program: String, _ arguments: [String]) -> Command {
        let path = "\(programs)/\(program)"
        guard geteuid() == 0 else { return Command(path, arguments, timeoutSeconds: 2 * Self.startSeconds) }
        return Command(
            "setpriv",
            ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--inh-caps=-all", path]
                + arguments,
            timeoutSeconds: 2 * Self.startSeconds)
    }

    /// Debian keeps them by version, out of the PATH.
    private static func newestPrograms() throws -> String {
        let folder = "/usr/lib/postgresql"
        let versions = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { Int($0) }
        guard let newest = versions.max() else { throw NeverTrue(what: "\(folder) has a PostgreSQL") }
        return "\(folder)/\(newest)/bin"
    }
}
