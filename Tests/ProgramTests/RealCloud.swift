import CloudClient
import CloudCore
import CloudMachines
import CloudTesting
import CloudWire
import Foundation

/// The real program with real guests, in a folder and, as root, a network namespace of its own; or with pretended
/// machines. All of it is gone afterwards, however the test ends.
struct RealCloud: Sendable {
    let folder: String
    /// The network namespace that the server runs in; `nil` without root, and with pretended machines.
    let namespace: String?
    var isSimulated = false

    static var isRoot: Bool { geteuid() == 0 }

    /// Prepares the folder with a guest image and a key pair, and starts the server.
    /// - Parameter simulated: with pretended machines, and so without image and namespace.
    static func with(simulated: Bool = false, _ body: (RealCloud) async throws -> Void) async throws {
        // Short, since unix sockets lie in it.
        let name = "st\(UInt32.random(in: 0...0xFFFFFF))"
        let cloud = RealCloud(
            folder: "/tmp/\(name)", namespace: isRoot && !simulated ? name : nil, isSimulated: simulated)
        try await cloud.setUp()
        do {
            try await cloud.start()
            try await body(cloud)
        } catch {
            await cloud.tearDown()
            throw error
        }
        await cloud.tearDown()
    }

    var program: String { ProgramTestPaths.program }
    var data: String { "\(folder)/data" }
    var privateKey: String { "\(folder)/key" }

    private func setUp() async throws {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        guard !isSimulated else { return }
        try await Command("cp", ["-a", try await TinyImage.shared.store().directory, "\(data)/images"]).run()
        try await GuestLogin(privateKey: privateKey).make()
        try await addNamespace()
    }

    private func addNamespace() async throws {
        guard let namespace else { return }
        try await Command("ip", ["netns", "add", namespace]).run()
        try await Command("ip", ["-n", namespace, "link", "set", "lo", "up"]).run()
    }

    /// Makes the host's network as new as after a reboot. Nothing may run in it.
    func renewNamespace() async throws {
        if let namespace { try await Command("ip", ["netns", "del", namespace]).run() }
        try await addNamespace()
    }

    private func tearDown() async {
        // Each try? here: what could not be taken away must not hide why the test failed.
        for pid in (try? await processes()) ?? [] { kill(pid, SIGKILL) }  // see above
        if let namespace { _ = try? await Command("ip", ["netns", "del", namespace]).run() }  // see above
        _ = try? await Command("umount", ["--quiet", "--lazy", "\(boot)/mounts", boot]).run()  // see above
        try? FileManager.default.removeItem(atPath: folder)  // see above
    }

    /// Every process whose command line names our folder: the server and its guests.
    func processes(of name: String? = nil) async throws -> [pid_t] {
        try NamedProcesses.all(naming: [folder] + (name.map { [$0] } ?? []))
    }

    /// The guests' processes.
    func guests() async throws -> [pid_t] { try await processes(of: "qemu-system") }

    // MARK: The server

    /// Starts the server, with more options if need be, and returns once it answers.
    /// - Parameter prefix: put before the command, such as what `anotherBoot` returns.
    func start(
        more options: [String] = [], environment more: [String] = [], behind prefix: [String] = []
    ) async throws {
        try await launch(more: options, environment: more, behind: prefix)
        try await answers()
    }

    /// Returns once the server answers.
    func answers() async throws {
        try await eventually("the server answers", within: .seconds(30)) {
            (try? await client { try await $0.health() }) != nil  // nil: not yet
        }
    }

    /// Starts the server and returns at once.
    /// - Parameter more: variables of its environment, as `NAME=value`.
    func launch(
        more options: [String] = [], environment more: [String] = [], behind prefix: [String] = []
    ) async throws {
        let program = inside(
            self.program,
            [
                "serve", "--listen", "unix:\(folder)/s", "--data", data, "--boot-slots", "2", "--rate-limit",
                "0",
            ] + (isSimulated ? ["--simulated"] : []) + options)
        try await Command("env", environment + more + prefix + [program.program] + program.arguments)
            .startDetached(log: "\(folder)/serve.log")
    }

    /// The server's process id.
    func serverPid() throws -> pid_t {
        let text = try String(contentsOfFile: "\(data)/serve.lock", encoding: .utf8)
        guard let pid = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw TestFailure("no pid in '\(text)'")
        }
        return pid
    }

    /// Ends the server with the signal and returns once it is gone.
    func end(_ signal: Int32) async throws {
        let pid = try serverPid()
        kill(pid, signal)
        try await eventually("the server is gone", within: .seconds(40)) { !Self.isAlive(pid) }
    }

    /// Whether the process runs; a zombie does not.
    static func isAlive(_ pid: pid_t) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),  // nil: gone
            let state = text.split(separator: ")").last?.split(separator: " ").first
        else { return false }
        return state != "Z" && state != "X"
    }

    /// The namespace's links, addresses and rules, as text.
    func leftovers() async throws -> String {
        var text = ""
        for arguments in [["ip", "-br", "link"], ["ip", "-br", "-4", "addr"], ["nft", "list", "tables"]] {
            text += try await inside(arguments[0], Array(arguments.dropFirst())).run().standardOutput
        }
        // What counts guests' connections stays, since those may still be open.
        return text.replacing("table inet strettch_st_limits\n", with: "")
    }

    // MARK: Clients

    var environment: [String] {
        [
            "STRETTCH_CREDENTIALS=\(folder)/credentials.json", "HOME=\(folder)",
            "XDG_CONFIG_HOME=\(folder)/config",
        ]
    }

    /// Runs `body` with the API's client and the owner's key, or another one.
    func client<T: Sendable>(
        key: String? = nil, options: StrettchClient.Options = .init(),
        _ body: (StrettchClient) async throws -> T
    ) async throws -> T {
        let file = try CredentialsFile(environment: ["STRETTCH_CREDENTIALS": "\(folder)/credentials.json"])
        guard let credentials = try file.read() else { throw TestFailure("no credentials yet") }
        return try await StrettchClient.with(
            baseURL: credentials.url, key: key ?? credentials.key, options: options, body)
    }

    /// Runs the program itself and returns what it printed.
    @discardableResult
    func strettch(_ arguments: String..., timeoutSeconds: Int = 120) async throws -> String {
        let command = inside(program, arguments)
        return try await Command(
            "env", environment + [command.program] + command.arguments, timeoutSeconds: timeoutSeconds
        ).run().standardOutput
    }

    /// Runs a command in a guest, and returns what it printed without the last line break.
    func ssh(_ compute: ComputeWire, address: String? = nil, _ command: String) async throws -> String {
        let address = address ?? compute.ipv4 ?? compute.privateIpv4 ?? "127.0.0.1"
        let port = compute.sshEndpoint.flatMap { $0.split(separator: ":").last.map(String.init) } ?? "22"
        let ssh = inside("ssh", GuestLogin(privateKey: privateKey).ssh(address, port: port, command))
        return try await ssh.run().standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The command, in the namespace where there is one.
    func inside(_ program: String, _ arguments: [String], timeoutSeconds: Int = 60) -> Command {
        guard let namespace else { return Command(program, arguments, timeoutSeconds: timeoutSeconds) }
        return Command(
            "ip", ["netns", "exec", namespace, program] + arguments, timeoutSeconds: timeoutSeconds)
    }

    /// The create of the documentation's page, with our key.
    func request(_ hostName: String = "my-server-01", withPublicIp: Bool = true) throws -> CreateComputeWire {
        try GuestLogin(privateKey: privateKey).request(
            hostName, tags: ["production", "web"], withPublicIp: withPublicIp)
    }

    /// Waits until the compute is in the state. Throws when it has failed, with the reason.
    func wait(_ id: String, until state: String, key: String? = nil) async throws -> ComputeWire {
        var last: ComputeWire?
        try await eventually("compute \(id) is \(state)", within: .seconds(120)) {
            let compute = try await client(key: key) { try await $0.compute(id: id) }.data
            last = compute
            if let failure = compute.failure { throw TestFailure("\(failure.code): \(failure.message)") }
            return compute.state == state
        }
        guard let last else { throw TestFailure("no compute") }
        return last
    }

    /// Waits until the work on the compute is at the step.
    func wait(_ id: String, at step: ComputeStep) async throws {
        try await eventually("compute \(id) is at \(step)") {
            try await client { try await $0.compute(id: id) }.data.task?.step == step.rawValue
        }
    }
}

/// Why a test can't go on.
struct TestFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Where the built program is.
enum ProgramTestPaths {
    /// `STRETTCH_TEST_PROGRAM`, else beside the running test bundle.
    static var program: String {
        if let path = ProcessInfo.processInfo.environment["STRETTCH_TEST_PROGRAM"] { return path }
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appending(path: "strettch").path
    }
}
