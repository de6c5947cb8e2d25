/// An image of a team's own, as the database has it. It is a whole by itself: what it was made of may go, and it stays.
///
/// Disks of computes lie over it, and so do snapshots of these disks: it can't be deleted as long as there are any.
public struct TeamImage: Sendable, Equatable, Identifiable {
    public var id: Int64
    public var teamId: Int64
    /// The host that makes it and keeps it. Other hosts fetch it from there.
    public var hostId: Int64
    /// What creates name it by. One that is not DELETED has it alone in its team, and no image of the catalogue had it when it
    /// was created. A later one of the catalogue does not hide it.
    public var slug: String
    /// For people.
    public var name: String
    public var state: TeamImageState
    public var origin: ImageOrigin
    /// Bytes of an upload that are on its host, as far as it is known.
    public var received: Int64
    /// What it is once it is READY; `nil` before.
    public var made: MadeImage?
    /// A delete is refused until the owner takes this off.
    public var deletionProtection: Bool
    public var failure: ComputeFailure?
    public var createdAtMs: Int64
    public var updatedAtMs: Int64
    /// Where the work on it stands.
    public var job: Job<ImageAction>

    /// Those that a team may have at once, deleted and failed ones aside.
    public static let mostOfTeam = 64
    /// Uploads of a team that may be under way at once, each of which takes space on a host.
    public static let mostUploads = 4

    public init(
        id: Int64, teamId: Int64, hostId: Int64, slug: String, name: String, state: TeamImageState,
        origin: ImageOrigin, received: Int64, made: MadeImage?, deletionProtection: Bool,
        failure: ComputeFailure?, createdAtMs: Int64, updatedAtMs: Int64, job: Job<ImageAction>
    ) {
        self.id = id
        self.teamId = teamId
        self.hostId = hostId
        self.slug = slug
        self.name = name
        self.state = state
        self.origin = origin
        self.received = received
        self.made = made
        self.deletionProtection = deletionProtection
        self.failure = failure
        self.createdAtMs = createdAtMs
        self.updatedAtMs = updatedAtMs
        self.job = job
    }
}

/// What an image of one's own is made of.
public enum ImageOrigin: Sendable, Equatable {
    case snapshot(id: Int64)
    /// The disk of a compute that is STOPPED.
    case compute(id: Int64)
    /// A file that the client sends.
    case upload(ImageFile, size: Int64)
    /// A file on a web server.
    case url(String, ImageFile)
}

/// A file that a disk is in, as it comes from outside.
public struct ImageFile: Sendable, Equatable {
    public enum Format: String, Sendable, CaseIterable { case qcow2, raw }

    public var format: Format
    /// 64 hexadecimal digits in lower case. An upload always has it.
    public var sha256: String?

    public init(_ format: Format, sha256: String?) {
        self.format = format
        self.sha256 = sha256
    }
}

/// What a host has made.
public struct MadeImage: Sendable, Equatable {
    /// What its files take on the host.
    public var bytes: Int64
    /// Bytes of the disk that a guest sees: what a compute's disk has at least.
    public var virtualBytes: Int64
    /// SHA-256 over the names and digests of its files, 64 hexadecimal digits: who fetches it knows by this that it is whole.
    public var content: String

    public init(bytes: Int64, virtualBytes: Int64, content: String) {
        self.bytes = bytes
        self.virtualBytes = virtualBytes
        self.content = content
    }
}
