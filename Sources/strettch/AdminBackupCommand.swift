import ArgumentParser
import CloudCore
import CloudDatabase

/// `strettch admin backup`.
struct AdminBackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the database into one file, beside a running server.",
        discussion: """
            The file holds all that the server knows: teams, keys, computes, wallets, events. It does not hold guests' \
            disks.
            """)

    @Argument(help: "Where the copy goes. Its folder must exist.") var file: String
    @Flag(help: "Replace the file if it is there.") var force = false
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let folder = try options.data.folder()
        try ServeSettings.database(beside: folder, config: options.config)
            .requireFile("Use pg_dump, or its continuous archiving.")
        try folder.takeBackup()
        try folder.shareDatabase()
        let begin = ContinuousClock.now
        let figures = try BackUpDatabase(database: folder.database, file: file, replaces: force).run()
        let output = OutputBackup(
            figures, file: file, milliseconds: Int64((ContinuousClock.now - begin) / .milliseconds(1)))
        try options.show(output, output.text)
        OutputStreams.note(
            "Guests' disks are not in it: they are in \(folder.path)/machines, over \(folder.path)/images.")
    }
}
