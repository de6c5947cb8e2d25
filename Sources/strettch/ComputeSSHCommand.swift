import ArgumentParser
import CloudClient
import CloudWire
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `strettch compute ssh`.
struct ComputeSSHCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh",
        abstract: "Log in to a compute as root, or run a command on it.",
        discussion: """
            The exit status is ssh's own. Host keys are remembered for each compute apart, in \
            ~/.config/strettch/known_hosts.d, since addresses are used again.
            """)

    @Argument(help: "Id or name of the compute.")
    var compute: String

    @Option(name: [.customShort("i"), .long], help: "File of the private key to log in with.")
    var identity: String?

    @Argument(parsing: .postTerminator, help: "Command to run on the compute, after --.")
    var command: [String] = []

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        let found = try await options.withClient { try await ComputeCommandFind.find(compute, $0) }
        try await options.reporting {
            guard let target = SSHTarget(found) else {
                throw CommandFailure(
                    .conflict,
                    "\(OutputCompute.name(found)) is \(found.state) and has no address to log in to.")
            }
            if found.state != "RUNNING" {
                OutputStreams.note("\(OutputCompute.name(found)) is \(found.state).")
            }
            let folder = try CredentialsFile.configFolder(environment: ProcessInfo.processInfo.environment)
            let knownHosts = "\(folder)/known_hosts.d"
            try FileManager.default.createDirectory(
                atPath: knownHosts, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let arguments = target.arguments(
                knownHosts: "\(knownHosts)/\(found.id)", identity: identity, command: command)
            throw Self.replaceProcess(arguments)
        }
    }

    /// Becomes the program, which is found along `PATH`. Returns only to say why that failed.
    private static func replaceProcess(_ arguments: [String]) -> CommandFailure {
        // Safe: the copies live until exec takes them over, or for good if it fails and the program ends.
        var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        vector.append(nil)
        signal(SIGPIPE, SIG_DFL)  // safe: as the program finds it that is started by a shell
        execvp(arguments[0], vector)
        let reason = String(cString: strerror(errno))  // safe: copied at once
        return CommandFailure(.failure, "ssh can't be started (\(reason)). Install OpenSSH's client.")
    }
}

/// Where and how to log in to a compute.
struct SSHTarget: Equatable {
    var host: String
    /// `nil`: ssh's own, 22.
    var port: String?
    /// Whether the address is one of the team's network, which not everybody reaches.
    var isPrivate: Bool
    /// A name for the host's key that no other compute has had, not even one with the same id on another server.
    private var alias: String

    /// `nil` for a compute without an address. The public address goes first, then the endpoint, then the private one.
    init?(_ compute: ComputeWire) {
        alias = "strettch-\(compute.id)-\(compute.createdAt.filter { $0.isASCII && $0.isNumber })"
        isPrivate = false
        if let address = compute.ipv4 {
            host = address
        } else if let endpoint = compute.sshEndpoint, let colon = endpoint.lastIndex(of: ":") {
            host = String(endpoint[..<colon])
            port = String(endpoint[endpoint.index(after: colon)...])
        } else if let address = compute.privateIpv4 {
            host = address
            isPrivate = true
        } else {
            return nil
        }
        // Text from the server must not become an option of ssh.
        guard !host.isEmpty, !host.hasPrefix("-") else { return nil }
    }

    /// The whole argument vector of ssh.
    func arguments(knownHosts: String, identity: String?, command: [String]) -> [String] {
        ["ssh", "-o", "StrictHostKeyChecking=accept-new"]
            + [
                "-o", "UserKnownHostsFile=\"\(knownHosts.replacing("%", with: "%%"))\"", "-o",
                "HostKeyAlias=\(alias)",
            ]
            + (identity.map { ["-i", $0] } ?? [])
            + (port.map { ["-p", $0] } ?? [])
            + ["root@\(host)"]
            + (command.isEmpty ? [] : ["--"] + command)
    }

    /// The command that people type without our help.
    var plainCommand: String { "ssh \(port.map { "-p \($0) " } ?? "")root@\(host)" }
}
