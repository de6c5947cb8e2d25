import ArgumentParser
import CloudClient
import CloudCore
import CloudDatabase
import CloudMachines
import Foundation

/// The folder of everything that must survive: database, images, machines.
struct DataFolder: Sendable {
    var path: String

    /// Makes the folder, for its owner alone, if it is missing.
    init(path: String) throws {
        self.path = URL(fileURLWithPath: path).path
        do {
            try FileManager.default.createDirectory(
                atPath: self.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CloudError(
                .validationError,
                "The data folder \(path) can't be made. Give another with --data, or run as its owner.",
                detail: "\(error)")
        }
    }

    /// `STRETTCH_DATA`; else `/var/lib/strettch` for root and `~/.local/share/strettch` for others.
    static var standard: String {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment[EnvironmentNames.data] { return path }
        if geteuid() == 0 { return "/var/lib/strettch" }
        if let base = environment["XDG_DATA_HOME"], base.hasPrefix("/") { return base + "/strettch" }
        return (HomeFolder.path(environment: environment) ?? "") + "/.local/share/strettch"
    }

    var database: String { path + "/strettch.sqlite" }

    /// The folder of pretended machines.
    var simulatedMachines: String { path + "/simulated" }

    /// Throws `CONFLICT` when the folder has machines of the other kind: the server would not find them, and take all
    /// that run for crashed.
    func checkMachines(areSimulated: Bool) throws {
        let (others, remedy) =
            areSimulated
            ? (path + "/machines", "real machines: serve them without --simulated")
            : (simulatedMachines, "pretended machines: serve them with --simulated")
        guard FileManager.default.fileExists(atPath: others) else { return }
        let names = try FileManager.default.contentsOfDirectory(atPath: others)
        guard !names.contains(where: { Int64($0) != nil }) else {
            throw CloudError(
                .conflict, "\(others) has \(remedy), or give this server a folder of its own with --data.")
        }
    }
    /// What is on this host of the installation's machines: real ones, or pretended ones where there are such.
    func remains(of installationId: String) throws -> MachineRemains {
        let pretended = try SimulatedFolderHost.remains(path: simulatedMachines)
        guard pretended.folders.isEmpty else { return pretended }
        return try MachineRemains(dataDirectory: path, installationId: installationId)
    }

    /// What the server was last started with (`ServeSettings.write`).
    var settings: String { path + "/serve.json" }

    /// Holds the process id of the server that works on the folder.
    var lockFile: String { path + "/serve.lock" }

    /// Takes the folder for this process until it ends, so that never two servers work on the same machines. Throws
    /// `CONFLICT` when another process holds it.
    func lock() throws {
        let descriptor = try hold(
            lockFile, LOCK_EX,
            busy: "A 'strettch serve' works on \(path). Stop it first, or give another folder with --data.")
        let pid = Array("\(getpid())\n".utf8)
        // Safe: the calls take our own descriptor, which is kept open, and bytes of ours with their count.
        guard ftruncate(descriptor, 0) == 0, write(descriptor, pid, pid.count) == pid.count else {
            throw CloudError(
                .serviceUnavailable, "\(lockFile) can't be written. Check the free space of its disk.")
        }
    }

    /// Opens the database beside other commands and the server, and keeps a restore away from it until this process
    /// ends: SQLite must not have the file open whose place another takes.
    func openDatabase() throws -> SQLiteDatabase {
        try shareDatabase()
        if FileManager.default.fileExists(atPath: movedDatabase) { try requireDatabase() }
        return try SQLiteDatabase(path: database)
    }

    /// The database's file after the cell was moved to PostgreSQL: as long as it is there, no new one is begun.
    var movedDatabase: String { "\(database).moved" }

    /// Throws `CONFLICT` when the cell was moved from here, and `RESOURCE_NOT_FOUND` when there never was one.
    func requireDatabase() throws {
        let files = FileManager.default
        guard !files.fileExists(atPath: database) else { return }
        guard files.fileExists(atPath: movedDatabase) else {
            throw CloudError(
                .resourceNotFound, "There is no database \(database). Give the server's folder with --data.")
        }
        throw CloudError(
            .conflict,
            "The cell of \(path) was moved to PostgreSQL. Set database, or STRETTCH_DATABASE, to where it is."
        )
    }

    /// Gives the database's file, which nobody has open, its name as one that was moved.
    func retireDatabase() throws {
        do {
            try TransferDatabase.retire(database, as: movedDatabase)
        } catch {
            throw CloudError(
                .serviceUnavailable,
                "All is copied, but \(database) could not be renamed to \(movedDatabase). Rename it by hand.",
                detail: "\(error)")
        }
    }

    /// What `openDatabase` does before it opens. Throws `CONFLICT` while a restore is under way.
    func shareDatabase() throws {
        _ = try hold(
            databaseLock, LOCK_SH, busy: "A restore into \(path) is under way. Try again when it is done.")
    }

    /// Takes the database for this process alone until it ends. Throws `CONFLICT` while any other works on it.
    func takeDatabase() throws {
        _ = try hold(
            databaseLock, LOCK_EX,
            busy: "Another strettch command works on the database in \(path). Try again when it has ended.")
    }

    /// Lets this process alone write a backup until it ends.
    func takeBackup() throws {
        _ = try hold(
            path + "/backup.lock", LOCK_EX,
            busy: "Another backup of \(path) is under way. Try again when it is done.")
    }

    private var databaseLock: String { path + "/database.lock" }

    /// Locks the file for this process until it ends, and returns its descriptor. The kernel frees the lock when the
    /// process dies, however it dies.
    private func hold(_ file: String, _ kind: Int32, busy: String) throws -> Int32 {
        // Safe: the calls take a path of ours and the descriptor that open has just returned, which is kept open on
        // purpose for the life of the process.
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CloudError(
                .validationError,
                "\(file) can't be opened. Run as the owner of \(path), or give another folder with --data.",
                detail: String(cString: strerror(errno)))
        }
        guard flock(descriptor, kind | LOCK_NB) == 0 else {
            close(descriptor)
            throw CloudError(.conflict, busy)
        }
        return descriptor
    }
}

/// `--data`, for every command that works on the server's own machine.
struct DataOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Folder of database, images and machines.", valueName: "folder"))
    var data: String = DataFolder.standard

    func validate() throws {
        guard !data.isEmpty else {
            throw ValidationError(
                "The data folder is empty. Give one with --data or \(EnvironmentNames.data).")
        }
    }

    /// The folder, whose secrets are its owner's alone from then on.
    func folder() throws -> DataFolder {
        let folder = try DataFolder(path: data)
        try folder.keepSecrets()
        return folder
    }
}
