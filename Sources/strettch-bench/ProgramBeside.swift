import CloudCore
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A program that runs as long as the body beside it.
struct ProgramBeside {
    /// A name looked up in PATH, or an absolute path.
    var program: String
    var arguments: [String]
    /// Added to our own.
    var environment: [String: String] = [:]
    /// What it prints is written here.
    var log: String

    /// Starts the program, runs `body`, asks the program to end, and returns once it has.
    func run<Outcome: Sendable>(_ body: () async throws -> Outcome) async throws -> Outcome {
        let descriptor = try FileDescriptor.open(
            log, .writeOnly, options: [.append, .create, .closeOnExec], permissions: .ownerReadWrite)
        var updates: [Environment.Key: String?] = [:]
        for (name, value) in environment { updates[Environment.Key(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            program.hasPrefix("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(arguments), environment: .inherit.updating(updates), input: .none,
            output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true), error: .combinedWithOutput
        ) { execution in
            let outcome: Result<Outcome, any Error>
            do {
                outcome = .success(try await body())
            } catch {
                outcome = .failure(error)
            }
            try? execution.send(signal: .terminate)  // fails when it has ended by itself
            return outcome
        }
        return try result.closureResult.get()
    }
}
