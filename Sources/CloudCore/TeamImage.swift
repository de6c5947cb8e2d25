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

    /// Those that a team may have at once in whatever state but DELETED, so that a list of them has an end.
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

extension TeamImage {
    /// What hosts make disks of; `nil` unless it is READY.
    public var image: Image? {
        guard state == .ready, let made else { return nil }
        return Image(
            image: slug, imageName: name, version: "", displayName: name,
            source: .cell(id: id, createdAtMs: createdAtMs, content: made.content))
    }

    /// `Image.key` of it.
    public var key: String { Image.key(ofTeamImage: id) }

    /// The image as its host knows it.
    public var onHost: ImageOnHost { ImageOnHost(id: id, createdAtMs: createdAtMs) }

    /// The machine on which its job works: of which there is one for a compute's disk alone.
    public var machineId: Int64 { if case .compute(let computeId) = origin { computeId } else { id } }
}

/// A team's own image that is about to be inserted.
public struct NewTeamImage: Sendable, Equatable {
    public var teamId: Int64
    /// The host that is to make and keep it.
    public var hostId: Int64
    public var slug: String
    public var name: String
    public var origin: ImageOrigin
    public var deletionProtection: Bool

    public init(
        teamId: Int64, hostId: Int64, slug: String, name: String, origin: ImageOrigin,
        deletionProtection: Bool = false
    ) {
        self.teamId = teamId
        self.hostId = hostId
        self.slug = slug
        self.name = name
        self.origin = origin
        self.deletionProtection = deletionProtection
    }
}

/// What an owner changes of an image; what is `nil` stays.
public struct ImageUpdate: Sendable, Equatable {
    public var name: String?
    public var deletionProtection: Bool?

    public init(name: String? = nil, deletionProtection: Bool? = nil) {
        self.name = name
        self.deletionProtection = deletionProtection
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

    /// What is done to make an image of it.
    public var action: ImageAction {
        switch self {
        case .upload: .receive
        case .snapshot, .compute, .url: .make
        }
    }

    /// The first state of an image that is made of it.
    public var firstState: TeamImageState {
        switch self {
        case .upload: .uploading
        case .snapshot, .compute, .url: .preparing
        }
    }

    /// For events: `snapshot 326`.
    public var inWords: String {
        switch self {
        case .snapshot(let id): "snapshot \(id)"
        case .compute(let id): "compute \(id)"
        case .upload(_, let size): "an upload of \(size) bytes"
        case .url(let url, _): url
        }
    }
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
