import ArgumentParser
import CloudClient
import CloudWire

/// `strettch image`: the images that a compute can be made of, over the API.
struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Make, upload, show, change and delete images that computes can be made of.",
        discussion: """
            'strettch admin image' downloads, builds, imports and verifies the catalogue's images, on the server's own \
            machine.
            """,
        subcommands: [
            ImageCreateCommand.self, ImageUploadCommand.self, ImageListCommand.self, ImageGetCommand.self,
            ImageWaitCommand.self, ImageUpdateCommand.self, ImageDeleteCommand.self,
            ImageMovedCommand<AdminImagePullCommand>.self, ImageMovedCommand<AdminImageBuildCommand>.self,
            ImageMovedCommand<AdminImageImportCommand>.self, ImageMovedCommand<AdminImageVerifyCommand>.self,
        ])
}

/// A command of `strettch admin image` by its former name, `strettch image …`. It goes on for one release.
struct ImageMovedCommand<Command: AsyncParsableCommand>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: name, abstract: "The former name of 'strettch admin image \(name)'.",
            shouldDisplay: false)
    }

    private static var name: String { Command.configuration.commandName ?? "" }

    @OptionGroup var command: Command

    mutating func run() async throws {
        OutputStreams.note(Self.hint)
        try await command.run()
    }

    /// What is said on standard error before the work.
    static var hint: String {
        "'strettch image \(name)' is now 'strettch admin image \(name)'. The former name ends with the next release."
    }
}
