import CloudCore
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Runs another program with an argument vector (never a shell string) and an environment of its own
/// (`ChildEnvironment`), and waits for its end.
public struct Command: Sendable {
    /// Name looked up in PATH, or an absolute path.
    public var program: String
    public var arguments: [String]
    /// What the program reads from its standard input.
    public var input: String
    /// Seconds after which the program is killed and the call throws.
    public var timeoutSeconds: Int
    /// How much the program may print on each stream before it is killed and the call throws.
    public var outputLimitBytes = 1 << 20

    /// What a program that ended with status 0 printed.
    public struct Output: Sendable {
        public var standardOutput: String
        public var standardError: String
    }

    /// Debian's packages for the programs that this project runs, for the message when one is missing.
    private static let packages = [
        "bridge": "iproute2", "genisoimage": "genisoimage", "ip": "iproute2", "nft": "nftables",
        "openssl": "openssl", "qemu-img": "qemu-utils",
        "qemu-system-x86_64": "qemu-system-x86", "setpriv": "util-linux",
        "setsid": "util-linux",
    ]

    public init(_ program: String, _ arguments: [String], input: String = "", timeoutSeconds: Int = 60) {
        self.program = program
        self.arguments = arguments
        self.input = input
        self.timeoutSeconds = timeoutSeconds
    }

    /// Throws `.serviceUnavailable` when the program is not installed, and `.internalServerError` with the program's
    /// own words as detail when it can't be started, fails, prints too much or takes too long.
    @discardableResult
    public func run() async throws -> Output {
        try await withinTimeLimit {
            let result = try await Subprocess.run(
                executable, arguments: Arguments(arguments), environment: .only(ChildEnvironment.current()),
                input: .string(input), output: .string(limit: outputLimitBytes),
                error: .string(limit: outputLimitBytes))
            let output = Output(
                standardOutput: result.standardOutput, standardError: result.standardError)
            guard result.terminationStatus.isSuccess else {
                throw failure("\(result.terminationStatus): \(output.standardError)\(output.standardOutput)")
            }
            return output
        }
    }

    /// Starts the program in a session of its own and returns at once; it outlives this process and has none of its
    /// descriptors but `files`, as 3 and on. What it prints goes to the end of the file `log`; `input` and the time
    /// limit don't apply to it.
    ///
    /// When it can't be started, the reason stands in the log.
    public func startDetached(log: String) async throws { try await startDetached(log: OpenFile.log(log)) }

    /// - Parameter standardInput: `nil`: nothing.
    func startDetached(
        log: OpenFile, input standardInput: OpenFile? = nil, files: [OpenFile] = []
    ) async throws {
        let streams = [try standardInput ?? OpenFile.null(), log, log]
        let starter = try ChildProcess("setsid", ["--fork", program] + arguments, files: streams + files)
        guard try await starter.succeeds(within: .seconds(Self.detachSeconds)) == true else {
            throw failure("setsid did not start it. The reason may stand in its log")
        }
    }

    /// What a program may take to get a session of its own; it takes some milliseconds.
    private static let detachSeconds = 10

    /// Runs it for a machine, as the change that it makes to the host; `nil`: as a look. Throws what `run` throws.
    @discardableResult
    func run(as effect: HostEffect?) async throws -> Output { try await effect.make { try await run() } }

    private var executable: Executable { program.hasPrefix("/") ? .path(FilePath(program)) : .name(program) }

    private func withinTimeLimit<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        do {
            return try await withTimeout(
                .seconds(timeoutSeconds), late: failure("did not end within \(timeoutSeconds) s"), body)
        } catch let error as SubprocessError {
            throw error.code == .executableNotFound ? missing : failure("could not be run: \(error)")
        }
    }

    private var missing: CloudError {
        let name = String(program.split(separator: "/").last ?? "")
        let package = Self.packages[name].map { ": apt-get install \($0)" } ?? "."
        return CloudError(
            .serviceUnavailable,
            "\(program) is not installed on the host. The operator must install it\(package)")
    }

    private func failure(_ what: String) -> CloudError {
        CloudError(
            .internalServerError, "\(program) failed on the host.",
            detail: "\(program) \(arguments.joined(separator: " ")): \(what)")
    }
}
