import CloudCore

/// Snapshots of machines' disks, and disks that are made of them: a part of a host.
///
/// Each snapshot is a file of its own over the image that the disk lay over. A disk that is made of one is a copy, so
/// nothing ever lies over a snapshot, and removing one harms nothing.
///
/// As of `MachineHost`, every call looks first and acts second, so that it can be repeated after a crash at any point, and
/// throws a `CloudError`. Calls for one machine, and its snapshots, never overlap. A copy may take long, so a call begins it and
/// returns within seconds; the next call says how far it is.
public protocol SnapshotHost: Sendable {
    /// Begins a snapshot of the machine's disk as it is at this moment, unless it has begun, and says how far it is.
    /// A guest that runs goes on meanwhile. Throws `RESOURCE_NOT_FOUND` when the disk is gone.
    func takeSnapshot(_ snapshot: DiskSnapshot, of machine: Machine) async throws -> SnapshotProgress

    /// Ends the copy that is under way, if there is one, and removes all that is here of the snapshot. Nothing to remove is
    /// success, and so is another snapshot of the same id, which stays. The machine may run, hang, be off, or be gone.
    func eraseSnapshot(_ snapshot: DiskSnapshot) async throws

    /// Makes the machine's disk of the snapshot, as large as its specification says. A disk of the machine that is there is
    /// kept, as `MachineHost.makeDisk` does. Throws `RESOURCE_NOT_FOUND` when the snapshot is not here.
    func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress

    /// Puts a copy of the snapshot in the place of the machine's disk, which is kept beside it until one of the two calls
    /// below. Done already: there is a disk beside. The machine must be off. Throws `RESOURCE_NOT_FOUND` when the snapshot
    /// or the disk is not here; the disk is then as it was.
    func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress

    /// Removes the disk that `restoreDisk` has kept, if there is one. The machine may run.
    func dropFormerDisk(_ id: Int64) async throws

    /// Puts the disk that `restoreDisk` has kept in its place again, if there is one, and ends a copy that is under way. The
    /// machine must be off.
    func takeBackFormerDisk(_ id: Int64) async throws

    /// The snapshots of which anything is on this host, half-made ones included.
    func snapshotIds() async throws -> Set<Int64>
}

/// A snapshot, as its host knows it.
public struct DiskSnapshot: Sendable, Equatable {
    /// The snapshot's own.
    public var id: Int64
    /// The machine whose disk it is of.
    public var machineId: Int64
    /// When it was created: tells it from another that had the same id before a restore of the database. 0: nobody knows, and
    /// any is meant.
    public var createdAtMs: Int64

    /// Whether it does not matter when it was created.
    var isOfAnyTime: Bool { createdAtMs == 0 }

    public init(id: Int64, machineId: Int64, createdAtMs: Int64) {
        self.id = id
        self.machineId = machineId
        self.createdAtMs = createdAtMs
    }
}

/// How far a snapshot is.
public enum SnapshotProgress: Sendable, Equatable {
    /// The text says how far, for the owner: `copying, 120 of 600 MB`.
    case copying(String)
    /// The snapshot is complete, and its file takes `bytes` of the host's disk.
    case taken(bytes: Int64, SnapshotConsistency)
    /// That moment's disk can't be had any more, for this reason: `the guest ended meanwhile`.
    case failed(String)
}

/// How far a copy of a disk is.
public enum CopyProgress: Sendable, Equatable {
    /// The text says how far, for the owner: `copying, 120 of 600 MB`.
    case copying(String)
    case done
}
