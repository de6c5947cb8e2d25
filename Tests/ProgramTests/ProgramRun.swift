import CloudMachines
import Foundation
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// One run of the built program in an environment of its own, to its end: how it ended, and what it said.
struct ProgramRun {
    var status: Int32
    var output: String
    var error: String

    /// Bytes at most that the program may print on each stream.
    private static let outputLimitBytes = 1 << 20

    /// - Parameters:
    ///   - environment: beside PATH, and nothing of the test's own.
    ///   - output: where standard output goes; by default into the result.
    static func of(
        _ arguments: [String], environment: [String: String] = [:], input: String = "",
        to output: FileDescriptor? = nil
    ) async throws -> ProgramRun {
        let variables = Environment.custom(
            Dictionary(
                uniqueKeysWithValues: environment.merging(["PATH": path]) { own, _ in own }
                    .map { (Environment.Key(stringLiteral: $0), $1) }))
        let program = Executable.path(FilePath(ProgramTestPaths.program))
        guard let output else {
            let result = try await Subprocess.run(
                program, arguments: Arguments(arguments), environment: variables, input: .string(input),
                output: .string(limit: outputLimitBytes), error: .string(limit: outputLimitBytes))
            return ProgramRun(result.terminationStatus, result.standardOutput, result.standardError)
        }
        let result = try await Subprocess.run(
            program, arguments: Arguments(arguments), environment: variables, input: .string(input),
            output: .fileDescriptor(output, closeAfterSpawningProcess: false),
            error: .string(limit: outputLimitBytes))
        return ProgramRun(result.terminationStatus, "", result.standardError)
    }

    private init(_ status: TerminationStatus, _ output: String?, _ error: String?) {
        switch status {
        case .exited(let code): self.status = Int32(code)
        case .signaled(let signal): self.status = -Int32(signal)
        }
        self.output = output ?? ""
        self.error = error ?? ""
    }

    private static var path: String {
        ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin:/usr/sbin:/sbin"
    }
}
