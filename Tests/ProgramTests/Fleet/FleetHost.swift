import CloudMachines
import CloudTesting
import CloudWire
import Foundation

/// A host: namespaces for its network, processes and mounts, whose first process is its power supply.
struct FleetHost: Sendable {
    let number: Int
    let fleet: String
    let folder: String
    let connection: String
    /// A folder that all hosts have, in which the disks lie; `nil`: each has its own.
    var disks: String?

    var name: String { "host-\(number)" }
    /// On the underlay.
    var address: String { "198.51.100.\(number)" }
    private var data: String { "\(folder)/h\(number)" }
    private var namespace: String { "\(fleet)h\(number)" }
    private var power: String { "\(data).power" }

    /// Makes the host, with its images, and switches it on.
    func setUp(underlay: String) async throws {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let images = "\(disks ?? data)/images"
        if !FileManager.default.fileExists(atPath: images) {
            try await Command("cp", ["-a", try await TinyImage.shared.store().directory, images]).run()
        }
        try await switchOn(underlay: underlay)
    }

    /// Ends all that runs on the host at once, and takes its network and its cable away. Its data folder stays.
    func cutPower(underlay: String) async throws {
        if let first = try first() { Foundation.kill(first, SIGKILL) }
        try await eventually("\(name) is off") {
            try workers().isEmpty && guests().isEmpty && first() == nil
        }
        try await Command("ip", ["-n", underlay, "link", "del", "port\(number)"]).run()
        try await Command("ip", ["netns", "del", namespace]).run()
    }

    /// Gives the host its network and its cable, and starts its first process, with which all others end.
    func switchOn(underlay: String) async throws {
        try await Command("ip", ["netns", "add", namespace]).run()
        try await Command(
            "ip",
            [
                "link", "add", "uplink", "netns", namespace, "type", "veth", "peer", "name", "port\(number)",
                "netns", underlay,
            ]
        ).run()
        try await Command(
            "ip", ["-n", underlay, "link", "set", "port\(number)", "master", "switch", "up"]
        ).run()
        for command in [
            ["link", "set", "lo", "up"], ["addr", "add", "\(address)/24", "dev", "uplink"],
            ["link", "set", "uplink", "up"],
        ] {
            try await Command("ip", ["-n", namespace] + command).run()
        }
        try Data().write(to: URL(filePath: power))
        try await Command(
            "ip",
            [
                "netns", "exec", namespace, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                "tail",
                "-f", "/dev/null", power,
            ]
        ).startDetached(log: "\(power).log")
        try await eventually("\(name) is on") { try first() != nil }
    }

    private func first() throws -> pid_t? {
        try NamedProcesses.all(naming: [power]).first { pid in
            let line = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline"))  // it may have ended
            return line?.starts(with: Data("tail".utf8)) == true
        }
    }

    func tearDown() async {
        _ = try? await Command("ip", ["netns", "del", namespace]).run()  // nothing that a failure could hide
    }

    // MARK: What runs on it

    /// Starts the worker.
    func start() async throws {
        let worker = try inside(
            "env",
            environment + [
                ProgramTestPaths.program, "serve", "--role", "worker", "--data", data, "--network", "bridged",
                "--host-name", name, "--underlay", address, "--boot-slots", "2",
            ])
        try await worker.startDetached(log: "\(data).log")
    }

    /// Ends the worker as a crash would; guests go on.
    func killWorker() async throws {
        for pid in try workers() { Foundation.kill(pid, SIGKILL) }
        try await eventually("the worker of \(name) is gone") { try workers().isEmpty }
    }

    private func workers() throws -> [pid_t] { try NamedProcesses.all(naming: [data, "--role", "worker"]) }

    /// The guests' processes.
    func guests() throws -> [pid_t] { try NamedProcesses.all(naming: [data, "qemu-system"]) }

    private var environment: [String] {
        ["STRETTCH_DATABASE=\(connection)", "HOME=\(folder)"] + (disks.map { ["STRETTCH_DISKS=\($0)"] } ?? [])
    }

    /// The machines of which anything is on this host.
    func machines() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(data)/machines").sorted()
    }

    /// Runs the program on the host and returns what it printed.
    func strettch(_ arguments: String...) async throws -> String {
        let command = try inside(
            "env", environment + [ProgramTestPaths.program] + arguments + ["--data", data])
        return try await command.run().standardOutput
    }

    /// Runs a command in a guest of this host, and returns what it printed without the last line break.
    func ssh(_ compute: ComputeWire, _ words: String) async throws -> String {
        let login = GuestLogin(privateKey: "\(folder)/key")
        let command = try inside("ssh", login.ssh(compute.privateIpv4 ?? "", port: "22", words))
        return try await command.run().standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The command, on the host.
    func inside(_ program: String, _ arguments: [String]) throws -> Command {
        guard let first = try first() else { throw TestFailure("\(name) is off") }
        return Command(
            "nsenter", ["--target", "\(first)", "--net", "--pid", "--mount", "--", program] + arguments,
            timeoutSeconds: 60)
    }
}
