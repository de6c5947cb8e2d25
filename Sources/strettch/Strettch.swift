import ArgumentParser
import CloudCore

/// The one program: serves the API, works on the machines, and is its own client.
@main
struct Strettch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strettch",
        abstract: "A cloud you can run yourself.",
        discussion:
            "Start with 'strettch doctor' and 'strettch serve', then 'strettch compute create my-server-01'.",
        version: Version.current,
        subcommands: [ServeCommand.self, AdminCommand.self])
}
