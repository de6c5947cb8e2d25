import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder on storage that several hosts of a cell share (NFS, CephFS, a SAN's file system), in which their computes'
/// disks lie, and the images that these lie over:
///
///     store-id           names the folder, wherever a host has it mounted, and the cell that it is of
///     machines/ID/       a machine's disk
///     images/            as in the data folder
///
/// What belongs to one host alone (sockets, seeds, keys) stays in that host's data folder.
public struct SharedDisks: Sendable {
    /// Absolute.
    public let path: String
    /// The same on every host that shares the folder, and no other's.
    public let name: String

    private static let fileLimit = 256

    /// Opens the folder, which must be there: a folder that we made would hide that nothing is mounted. The first host
    /// names it.
    ///
    /// - Parameter newName: random, and unlike any other's.
    public init(path: String, installationId: String, newName: String) throws(CloudError) {
        self.path = path
        guard HostFiles.exists("\(path)/.") else {
            throw CloudError(
                .conflict,
                "There is no folder \(path), which the setting disks names. Mount the storage that the hosts share, and "
                    + "start again.")
        }
        let file = "\(path)/store-id"
        if !HostFiles.exists(file) { try Self.write("\(newName) \(installationId)\n", to: file) }
        let words = (MachineFiles.text(file, limit: Self.fileLimit) ?? "").split(
            whereSeparator: \.isWhitespace)
        guard words.count == 2 else {
            throw CloudError(
                .conflict,
                "\(file) can't be read, or is not what a host has written: the storage's name and its cell's id. Look at "
                    + "the mount; on NFS root must stay root (no_root_squash).")
        }
        guard words[1] == installationId else {
            throw CloudError(
                .conflict,
                "\(path) has the disks of another cell, \(words[1]), and computes of both have the same numbers. Give each "
                    + "cell a folder of its own.")
        }
        name = String(words[0])
    }

    /// Where the base images lie.
    public static func images(_ path: String) -> String { "\(path)/images" }

    /// The first of those who write at once wins: a link to a whole file is made or not (link(2), also on NFS).
    private static func write(_ text: String, to file: String) throws(CloudError) {
        let temporary = "\(file).\(getpid()).\(text.prefix { $0 != " " })"
        try HostFiles.write(Array(text.utf8), to: temporary)
        try HostFiles.sync(temporary)
        // Safe: both paths are C strings for the call's duration. What failed shows when the file is read.
        _ = link(temporary, file)
        try HostFiles.remove(temporary)
    }
}
