/// A compute as the database has it.
public struct Compute: Sendable, Equatable, Identifiable {
    public var id: Int64
    public var teamId: Int64
    /// The host that its machine is on; `nil` only for a compute that was gone before there were several.
    public var hostId: Int64?
    public var hostName: String
    public var state: ComputeState
    public var intent: ComputeIntent
    /// Slug of the image that the disk was made from.
    public var image: String
    /// The team's own image that the disk lies over; `nil`: it is one of the catalogue.
    public var imageId: Int64?
    /// The snapshot that its disk is a copy of, or is to be; `nil`: it was made from the image itself.
    public var snapshotId: Int64?
    public var specification: String
    public var region: String
    public var vcpus: Int
    public var memoryMb: Int
    public var storageGb: Int
    /// Whole lines for root's `authorized_keys`.
    public var publicKeys: [String]
    public var tags: [String]
    /// cloud-init user data that the owner gave at the create.
    public var userData: String?
    /// A delete is refused until the owner takes this off.
    public var deletionProtection: Bool
    public var network: IPv4Network
    /// `nil` once it is given back.
    public var privateIpv4: IPv4Address?
    public var publicIpv4: IPv4Address?
    /// The host's port that leads to the guest's SSH where there is no bridge (user-mode networking).
    public var sshPort: Int?
    public var failure: ComputeFailure?
    public var createdAtMs: Int64
    public var updatedAtMs: Int64
    /// Where the work on it stands.
    public var job: Job<ComputeAction>

    public init(
        id: Int64, teamId: Int64, hostId: Int64? = nil, hostName: String, state: ComputeState,
        intent: ComputeIntent, image: String,
        specification: String, region: String, vcpus: Int, memoryMb: Int, storageGb: Int,
        publicKeys: [String],
        tags: [String], userData: String? = nil, deletionProtection: Bool = false, network: IPv4Network,
        privateIpv4: IPv4Address? = nil, publicIpv4: IPv4Address? = nil,
        sshPort: Int? = nil, failure: ComputeFailure? = nil, createdAtMs: Int64, updatedAtMs: Int64,
        job: Job<ComputeAction>
    ) {
        self.id = id
        self.teamId = teamId
        self.hostId = hostId
        self.hostName = hostName
        self.state = state
        self.intent = intent
        self.image = image
        self.specification = specification
        self.region = region
        self.vcpus = vcpus
        self.memoryMb = memoryMb
        self.storageGb = storageGb
        self.publicKeys = publicKeys
        self.tags = tags
        self.userData = userData
        self.deletionProtection = deletionProtection
        self.network = network
        self.privateIpv4 = privateIpv4
        self.publicIpv4 = publicIpv4
        self.sshPort = sshPort
        self.failure = failure
        self.createdAtMs = createdAtMs
        self.updatedAtMs = updatedAtMs
        self.job = job
    }
}

/// Why a compute is not what its owner asked for, in words for the owner.
public struct ComputeFailure: Sendable, Equatable {
    public var code: FailureCode
    public var message: String

    public init(_ code: FailureCode, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// What a compute can fail of.
public enum FailureCode: String, Sendable, CaseIterable {
    case imageUnavailable = "IMAGE_UNAVAILABLE"
    case hostFailed = "HOST_FAILED"
    case deadlineExceeded = "DEADLINE_EXCEEDED"
    /// The guest powered itself off.
    case guestStopped = "GUEST_STOPPED"
    /// The guest's machine ended, and nobody asked for it.
    case guestCrashed = "GUEST_CRASHED"
    /// The guest runs, but its SSH server does not answer.
    case sshUnreachable = "SSH_UNREACHABLE"
    /// The guest runs, and its machine has lost its place in the network, which only a new process gets back.
    case networkLost = "NETWORK_LOST"
    /// The machine's disk is gone from the host.
    case diskLost = "DISK_LOST"
    /// The guest stands still, since the host's disk is full.
    case diskFull = "DISK_FULL"
    /// A restore could not be finished, and the compute has the disk that it had before.
    case restoreFailed = "RESTORE_FAILED"
    /// Nobody hears of the host. Seen when the compute is read, and never written.
    case hostDown = "HOST_DOWN"
}

extension Compute {
    /// What a caller has asked for and is under way.
    public var askedAction: ComputeAction? { job.action.isAsked ? job.action : nil }

    /// `Image.key` of the image that its disk lies over.
    public var imageKey: String { imageId.map(Image.key(ofTeamImage:)) ?? image }

    /// Whether nothing is wanted of its machine but that it stays as it is.
    public var isAtRest: Bool { job.action == .keep }
}
