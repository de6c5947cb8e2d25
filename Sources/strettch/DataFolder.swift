import ArgumentParser
import CloudCore
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
        if let path = environment["STRETTCH_DATA"], !path.isEmpty { return path }
        if geteuid() == 0 { return "/var/lib/strettch" }
        let base =
            environment["XDG_DATA_HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path
            + "/.local/share"
        return base + "/strettch"
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

    /// Holds the process id of the server that works on the folder.
    var lockFile: String { path + "/serve.lock" }

    /// Takes the folder for this process until it ends, so that never two servers work on the same machines. The
    /// kernel frees the lock when the process dies, however it dies. Throws `CONFLICT` when another process holds it.
    func lock() throws {
        // Safe: the calls take a path of ours and the descriptor that open has just returned, which is kept open on
        // purpose for the life of the process.
        let descriptor = open(lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CloudError(
                .validationError,
                "\(lockFile) can't be opened. Run as the owner of \(path), or give another folder with --data.",
                detail: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw CloudError(
                .conflict,
                "Another 'strettch serve' works on \(path). Stop it first, or give this one a folder of its own with "
                    + "--data.")
        }
        let pid = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, write(descriptor, pid, pid.count) == pid.count else {
            throw CloudError(
                .serviceUnavailable, "\(lockFile) can't be written. Check the free space of its disk.")
        }
    }
}

/// `--data`, for every command that works on the server's own machine.
struct DataOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Folder of database, images and machines.", valueName: "folder"))
    var data: String = DataFolder.standard

    func folder() throws -> DataFolder { try DataFolder(path: data) }
}
