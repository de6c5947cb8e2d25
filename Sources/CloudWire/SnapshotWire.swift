/// A snapshot of a compute's disk as the public API shows it.
public struct SnapshotWire: LiveResourceWire {
    public static let noun = "snapshot"

    /// Decimal digits.
    public var id: String
    public var name: String
    /// The compute whose disk it is of. It may be gone.
    public var computeId: String
    /// `TAKING`, `READY`, `FAILED`, `DELETING` or `DELETED`.
    public var state: String
    /// Slug of the image that the compute was made of.
    public var image: String
    /// GiB of storage that a compute made of it needs at least.
    public var storageGb: Int
    /// What its file takes on the host; absent until it is READY.
    public var sizeBytes: Int?
    /// `CRASH` or `FILE_SYSTEM`; absent until it is READY.
    public var consistency: String?
    /// Whether a delete is refused.
    public var deletionProtection: Bool
    public var createdAt: String
    public var updatedAt: String
    /// What is being done to it now; absent when nothing is.
    public var task: TaskWire?
    /// Why it could not be taken.
    public var failure: FailureWire?
    /// Francs with three decimals that it has cost so far; absent where nothing is billed.
    public var cost: String?

    public init(
        id: String, name: String, computeId: String, state: String, image: String, storageGb: Int,
        sizeBytes: Int? = nil, consistency: String? = nil, deletionProtection: Bool, createdAt: String,
        updatedAt: String, task: TaskWire? = nil, failure: FailureWire? = nil, cost: String? = nil
    ) {
        self.id = id
        self.name = name
        self.computeId = computeId
        self.state = state
        self.image = image
        self.storageGb = storageGb
        self.sizeBytes = sizeBytes
        self.consistency = consistency
        self.deletionProtection = deletionProtection
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.task = task
        self.failure = failure
        self.cost = cost
    }
}

/// What every resource with work behind it shows of that work.
public protocol LiveResourceWire: Codable, Sendable, Equatable {
    /// What one is called, in the command line and in messages.
    static var noun: String { get }
    var id: String { get }
    var state: String { get }
    /// What is being done to it now; `nil` when nothing is.
    var task: TaskWire? { get }
    /// Why it is not what was asked for.
    var failure: FailureWire? { get }
}

/// The body of `POST /computes/{id}/snapshots`.
public struct CreateSnapshotWire: Codable, Sendable, Equatable {
    public var name: String
    public var deletionProtection: Bool?

    public init(name: String, deletionProtection: Bool? = nil) {
        self.name = name
        self.deletionProtection = deletionProtection
    }
}

/// The body of `PATCH /snapshots/{id}`: what is absent stays as it is.
public struct UpdateSnapshotWire: Codable, Sendable, Equatable {
    public var name: String?
    public var deletionProtection: Bool?

    public init(name: String? = nil, deletionProtection: Bool? = nil) {
        self.name = name
        self.deletionProtection = deletionProtection
    }
}

/// The body of `POST /computes/{id}/restore`.
public struct RestoreComputeWire: Codable, Sendable, Equatable {
    /// The snapshot's id.
    public var snapshot: String

    public init(snapshot: String) { self.snapshot = snapshot }
}
