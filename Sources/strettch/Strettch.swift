import ArgumentParser
import CloudClient
import CloudCore
import Foundation

/// The one program: serves the API, works on the machines, and is its own client.
@main
struct Strettch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strettch",
        abstract: "A cloud you can run yourself.",
        discussion:
            "Start with 'strettch doctor' and 'strettch serve', then 'strettch compute create my-server-01'.",
        version: Version.current,
        subcommands: [
            ServeCommand.self, ComputeCommand.self, SnapshotCommand.self, AuditCommand.self,
            BillingCommand.self, ImageCommand.self, SpecificationCommand.self, RegionCommand.self,
            AdminCommand.self, DoctorCommand.self,
        ])

    /// Runs the command; the one place that turns an error of ours into words and an exit status.
    static func main() async {
        OutputStreams.prepare()
        do {
            var command = try parseAsRoot()
            try EnvironmentNames.check()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Foundation.exit(end(error))
        }
    }

    /// Says what is to be said of how the command ended, and returns its exit status.
    private static func end(_ error: any Error) -> Int32 {
        switch error {
        case let error as OutputFailure:
            // Whoever takes the first lines of a list has what they wanted.
            if !error.isReaderGone { OutputStreams.note("error: \(error.message)") }
        case is CloudError, is ClientError, is CommandFailure: OutputStreams.note(OutputText.error(error))
        default: return endParsing(error)
        }
        return ProgramExit(error).rawValue
    }

    /// Prints what the argument parser has to say: help and the version are results, all else is an error.
    private static func endParsing(_ error: any Error) -> Int32 {
        let (text, code) = (fullMessage(for: error), exitCode(for: error))
        guard !text.isEmpty else { return code.rawValue }
        do throws(OutputFailure) {
            if code.isSuccess { try OutputStreams.result(text) } else { OutputStreams.note(text) }
        } catch {
            return end(error)
        }
        return code.rawValue
    }
}
