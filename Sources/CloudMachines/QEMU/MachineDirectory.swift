import CloudCore

/// Where a machine's files are: `<data>/machines/<id>/`, and its disk in a folder of the same name where hosts share
/// their disks. Readable by our own user alone.
struct MachineDirectory: Sendable, Equatable {
    var path: String
    /// The folder of the disk, and of what says whose it is.
    var diskFolder: String

    /// The longest path of a unix socket on Linux (unix(7): `sun_path` has 108 bytes with its end).
    static let socketPathLimit = 107

    /// - Parameter disks: the folder that hosts share (`SharedDisks`); `nil`: the disk lies with the other files.
    init(data: String, disks: String? = nil, id: Int64) {
        path = "\(Self.all(data))/\(id)"
        diskFolder = "\(Self.all(disks ?? data))/\(id)"
    }

    /// A guest's that is booted ahead: `<data>/warm/<number>/`. It becomes the folder of the compute that takes it.
    init(data: String, warm number: Int64) {
        path = "\(Self.allWarm(data))/\(number)"
        diskFolder = path
    }

    /// Of whatever lies in a folder that has a disk as machines' have.
    init(diskFolder: String) {
        path = diskFolder
        self.diskFolder = diskFolder
    }

    /// Whether other hosts have the disk too.
    var sharesDisk: Bool { diskFolder != path }

    /// The folder of all machines.
    static func all(_ data: String) -> String { "\(data)/machines" }

    /// The folder of all guests that are booted ahead.
    static func allWarm(_ data: String) -> String { "\(data)/warm" }

    /// The qcow2 overlay.
    var disk: String { "\(diskFolder)/disk.qcow2" }
    var seed: String { "\(path)/seed.iso" }
    var pidFile: String { "\(path)/pid" }
    var monitorSocket: String { "\(path)/qmp.sock" }
    var serialSocket: String { "\(path)/serial.sock" }
    /// Leads to the guest's agent.
    var agentSocket: String { "\(path)/agent.sock" }
    /// What the guest printed on its serial console.
    var consoleLog: String { "\(path)/console.log" }
    /// When the compute was created that the disk is of.
    var owner: String { "\(diskFolder)/owner" }
    /// There for as long as the machine is one that was to come, and its guest has never run here (`ArrivalMark`).
    var arrival: String { "\(path)/arrival" }
    /// There once the guest may go on elsewhere; only a cancelled departure takes it away.
    var departure: String { "\(path)/departure" }
    /// There when the guest was booted ahead (`WarmMark`).
    var warmMark: String { "\(path)/warm" }
    /// There while the guest is held because the host's disk has no space left (`DiskReserve`).
    var hold: String { "\(path)/hold" }
    /// There while the guest's file systems may be held still (`QEMUHost.thawLater`).
    var frozen: String { "\(path)/frozen" }
    /// There when the guest had powered itself off before its process was ended, until the next start.
    var shutDown: String { "\(path)/shut-down" }
    /// What QEMU itself printed.
    var qemuLog: String { "\(path)/qemu.log" }

    /// What a process leaves behind that ended without cleaning up; QEMU as an unprivileged user always does.
    var remains: [String] { [pidFile, monitorSocket, serialSocket, agentSocket, hold, frozen, shutDown] }

    /// Throws when the data directory's path is not absolute or too long for the sockets of any machine under it.
    static func check(data: String) throws(CloudError) {
        guard data.hasPrefix("/") else {
            throw CloudError(
                .internalServerError,
                "The data directory \(data) must be an absolute path, such as /var/lib/strettch.")
        }
        let excess = MachineDirectory(data: data, id: .max).serialSocket.utf8.count - socketPathLimit
        guard excess <= 0 else {
            throw CloudError(
                .internalServerError,
                "The data directory \(data) is \(data.utf8.count) bytes long; the machines' sockets in it allow "
                    + "\(data.utf8.count - excess). Choose a shorter path, such as /var/lib/strettch.")
        }
    }
}
