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
        image: String, storageGb: Int, bytes: Int64? = nil, consistency: SnapshotConsistency? = nil,
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
        self.storageGb = storageGb
        self.bytes = bytes
        self.consistency = consistency
        self.deletionProtection = deletionProtection
        self.failure = failure
        self.createdAtMs = createdAtMs
        self.updatedAtMs = updatedAtMs
        self.job = job
    }

    /// GiB that are billed: those that its file takes, rounded up.
    public var billedGb: Int64 { ((bytes ?? 0) + (1 << 30) - 1) >> 30 }
}
