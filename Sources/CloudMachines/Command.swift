import CloudCore
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Runs another program with an argument vector (never a shell string) and waits for its end.
public struct Command: Sendable {
    /// Name looked up in PATH, or an absolute path.
    public var program: String
    public var arguments: [String]
    /// What the program reads from its standard input.
    public var input: String
    /// Seconds after which the program is killed and the call throws.
    public var timeoutSeconds: Int

    /// What a program that ended with status 0 printed; each stream at most 1 MiB.
    public struct Output: Sendable {
        public var standardOutput: String
        public var standardError: String
    }

    private static let outputLimit = 1 << 20

    public init(_ program: String, _ arguments: [String], input: String = "", timeoutSeconds: Int = 60) {
        self.program = program
        self.arguments = arguments
        self.input = input
        self.timeoutSeconds = timeoutSeconds
    }

    /// Throws `.internalServerError` with the program's own words as detail when it can't be started, fails, prints
    /// too much or takes too long.
    @discardableResult
    public func run() async throws -> Output {
        do {
            return try await withThrowingTaskGroup(of: Output?.self) { group in
                group.addTask { try await execute() }
                group.addTask {
                    try await Task.sleep(for: .seconds(timeoutSeconds))
                    return nil
                }
                defer { group.cancelAll() }
                guard let output = try await group.next() ?? nil else {
                    throw failure("did not end within \(timeoutSeconds) s")
                }
                return output
            }
        } catch let error as SubprocessError {
            throw failure("could not be run: \(error)")
        }
    }

    private func execute() async throws -> Output {
        let executable: Executable = program.hasPrefix("/") ? .path(FilePath(program)) : .name(program)
        let result = try await Subprocess.run(
            executable, arguments: Arguments(arguments), input: .string(input),
            output: .string(limit: Self.outputLimit), error: .string(limit: Self.outputLimit))
        let output = Output(
            standardOutput: result.standardOutput, standardError: result.standardError)
        guard result.terminationStatus.isSuccess else {
            throw failure("\(result.terminationStatus): \(output.standardError)\(output.standardOutput)")
        }
        return output
    }

    private func failure(_ what: String) -> CloudError {
        CloudError(
            .internalServerError, "\(program) failed on the host.",
            detail: "\(program) \(arguments.joined(separator: " ")): \(what)")
    }
}
