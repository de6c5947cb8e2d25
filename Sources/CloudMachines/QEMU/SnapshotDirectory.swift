import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a snapshot's files are: `<data>/snapshots/<id>/`, or in the folder of the disks that hosts share. Readable by our
/// own user alone.
struct SnapshotDirectory: Sendable, Equatable {
    var path: String

    /// - Parameter disks: the folder that hosts share (`SharedDisks`); `nil`: snapshots lie with the other files.
    init(data: String, disks: String? = nil, id: Int64) { path = "\(Self.all(disks ?? data))/\(id)" }

    /// The folder of all snapshots. As far from the images as the machines' own is, so a disk's name for what it lies over
    /// (`DiskRecord.base`) is right in both.
    static func all(_ root: String) -> String { "\(root)/snapshots" }

    /// A qcow2 file over the image that the disk lay over. There once it is whole.
    var disk: String { "\(path)/disk.qcow2" }
    /// The same while it is being copied.
    var half: String { "\(path)/disk.qcow2.new" }
    /// What the file was made as (`DiskRecord`).
    var record: String { "\(path)/disk.qcow2.json" }
    /// Whose it is, and how it is made (`SnapshotMark`).
    var mark: String { "\(path)/snapshot.json" }
}

/// A file in a snapshot's folder that says what it is of, and who copies it. It is there before all else.
struct SnapshotMark: Codable, Equatable {
    var machineId: Int64
    var createdAtMs: Int64
    var consistency: SnapshotConsistency
    /// The QEMU that copies; `nil`: we do, since the machine was off.
    var process: HostProcess?
    /// Whether that QEMU has said that it has copied all.
    var isCopied = false

    private static let limit = 64 << 10

    /// `nil` when there is none. Throws when it is there and can't be read.
    static func read(_ directory: SnapshotDirectory) throws(CloudError) -> SnapshotMark? {
        guard MachineFiles.exists(directory.mark) else { return nil }
        do {
            let bytes = MachineFiles.bytes(directory.mark, limit: limit) ?? []
            return try JSONDecoder().decode(SnapshotMark.self, from: Data(bytes))
        } catch {
            throw CloudError(
                .internalServerError, "The snapshot's mark can't be read. Delete the snapshot.",
                detail: "\(directory.mark): \(error)")
        }
    }

    func write(_ directory: SnapshotDirectory, as effect: HostEffect) async throws {
        try await MachineFiles.write(try JSONEncoder().encode(self), to: directory.mark, as: effect)
    }
}
