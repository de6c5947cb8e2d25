import ArgumentParser
import CloudCore
import CloudDatabase
import CloudMachines
import CloudWire

/// `strettch admin restore`.
struct AdminRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of the database. The server must be stopped.",
        discussion: """
            The file is checked as a whole before anything changes, and the database that is there is kept beside. Guests \
            that run go on. What was done since the backup is lost, and said before you are asked.
            """)

    @Argument(help: "A file that 'strettch admin backup' wrote.") var file: String
    @Flag(help: "Take the backup of another cell than the data folder's.") var otherInstallation = false
    @Flag(help: "Skip the question. Without a terminal, nothing is asked.") var yes = false
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let folder = try options.data.folder()
        try ServeSettings.database(beside: folder, config: options.config)
            .requireFile("Use pg_restore, with all servers stopped.")
        try folder.lock()
        try folder.takeDatabase()
        let nowMs = SystemClock().nowMs
        let restore = RestoreDatabase(
            file: file, database: folder.database,
            kept: "\(folder.database).before-restore-\(Timestamp.text(nowMs).replacing(":", with: ""))",
            allowsOtherInstallation: otherInstallation, nowMs: nowMs,
            machines: { try MachinesOnHost(folder.remains(of: $0)) })
        let report = try restore.prepare()
        let output = OutputRestore(report, file: file)
        if !options.json { OutputStreams.note(output.text) }
        do {
            try options.confirm("Put it in the place of \(folder.database)?", yes: yes)
        } catch {
            try restore.discard()
            throw error
        }
        try restore.install(report)
        try options.show(output, "\(OutputText.clean(file)) is restored. Start the server.")
    }
}

extension MachinesOnHost {
    init(_ remains: MachineRemains) {
        self.init(processes: remains.processes, disks: remains.disks, folders: remains.folders)
    }
}
