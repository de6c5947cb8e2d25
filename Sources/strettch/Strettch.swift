import ArgumentParser
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
            ServeCommand.self, ComputeCommand.self, AuditCommand.self, BillingCommand.self, ImageCommand.self,
            AdminCommand.self,
            DoctorCommand.self,
        ])

    /// Runs the command; the one place that turns an error of ours into words and an exit status.
    static func main() async {
        do {
            var command = try parseAsRoot()
            try EnvironmentNames.check()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as CloudError {
            OutputStreams.note(OutputText.error(error))
            Foundation.exit(ProgramExit(error).rawValue)
        } catch {
            exit(withError: error)
        }
    }
}
