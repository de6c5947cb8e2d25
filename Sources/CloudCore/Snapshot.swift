/// A snapshot of a compute's disk, as the database has it. It is a whole by itself: the compute may go, and it stays.
public struct Snapshot: Sendable, Equatable, Identifiable {
    public var id: Int64
    public var teamId: Int64
    /// The compute whose disk it is of; it may be gone.
    public var computeId: Int64
    /// The host that has its file.
    public var hostId: Int64
    public var name: String
    public var state: SnapshotState
    /// Slug of the image that the disk lies over.
    public var image: String
    /// The team's own image that the disk lies over; `nil`: it is one of the catalogue.
    public var imageId: Int64?
    /// What a disk that is made of it has at least.
    public var storageGb: Int
    /// What its file takes on the host; `nil` until it is READY.
    public var bytes: Int64?
    /// `nil` until it is READY.
    public var consistency: SnapshotConsistency?
    /// A delete is refused until the owner takes this off.
    public var deletionProtection: Bool
    public var failure: ComputeFailure?
    public var createdAtMs: Int64
    public var updatedAtMs: Int64
    /// Where the work on it stands.
    public var job: Job<SnapshotAction>

    /// Those of one compute that it may have at once, deleted and failed ones aside.
    public static let mostOfCompute = 32

    public init(
        id: Int64, teamId: Int64, computeId: Int64, hostId: Int64, name: String, state: SnapshotState,
        image: String, imageId: Int64? = nil, storageGb: Int, bytes: Int64? = nil,
        consistency: SnapshotConsistency? = nil,
        deletionProtection: Bool = false, failure: ComputeFailure? = nil, createdAtMs: Int64,
        updatedAtMs: Int64, job: Job<SnapshotAction>
    ) {
        self.id = id
        self.teamId = teamId
        self.computeId = computeId
        self.hostId = hostId
        self.name = name
        self.state = state
        self.image = image
        self.imageId = imageId
        self.storageGb = storageGb
        self.bytes = bytes
        self.consistency = consistency
        self.deletionProtection = deletionProtection
        self.failure = failure
        self.createdAtMs = createdAtMs
        self.updatedAtMs = updatedAtMs
        self.job = job
    }

    /// `Image.key` of the image that the disk lies over.
    public var imageKey: String { imageId.map(Image.key(ofTeamImage:)) ?? image }

    /// The GiB that are billed for a file of `bytes`, rounded up.
    public static func billedGb(_ bytes: Int64) -> Int64 { (bytes + (1 << 30) - 1) >> 30 }
}

/// Which of a team's snapshots to list. What is `nil` lets all through but those that are DELETED, which are listed when
/// they are asked for.
public struct SnapshotFilter: Sendable, Equatable {
    public var computeId: Int64?
    public var state: SnapshotState?

    public init(computeId: Int64? = nil, state: SnapshotState? = nil) {
        self.computeId = computeId
        self.state = state
    }
}

/// What an owner changes of a snapshot; what is `nil` stays.
public struct SnapshotUpdate: Sendable, Equatable {
    public var name: String?
    public var deletionProtection: Bool?

    public init(name: String? = nil, deletionProtection: Bool? = nil) {
        self.name = name
        self.deletionProtection = deletionProtection
    }
}
