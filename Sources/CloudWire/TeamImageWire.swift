/// An image of the team's own as the public API shows it.
public struct TeamImageWire: LiveResourceWire {
    public static let noun = "image"

    /// Decimal digits.
    public var id: String
    /// The slug, by which creates and paths name it.
    public var image: String
    public var name: String
    /// As those of the catalogue have them: the name, and no version.
    public var imageName: String
    public var version: String
    public var displayName: String
    /// `team`.
    public var scope: String
    /// `UPLOADING`, `PREPARING`, `READY`, `FAILED`, `DELETING` or `DELETED`.
    public var state: String
    public var origin: ImageOriginWire
    /// `qcow2` or `raw`: of the file that it is made of; absent where that is a disk of the cloud's.
    public var format: String?
    /// Bytes of the file that is uploaded, all of them.
    public var size: Int?
    /// Bytes of it that have come.
    public var received: Int?
    /// Of the file, where it was given: 64 hexadecimal digits.
    public var sha256: String?
    /// What it takes on its host; absent until it is READY.
    public var bytes: Int?
    /// GiB of storage that a compute made of it needs at least; absent until it is READY.
    public var minStorageGb: Int?
    /// Whether a delete is refused.
    public var deletionProtection: Bool
    public var createdAt: String
    public var updatedAt: String
    /// What is being done to it now; absent when nothing is.
    public var task: TaskWire?
    /// Why it could not be made.
    public var failure: FailureWire?
    /// Francs with three decimals that it has cost so far; absent where nothing is billed.
    public var cost: String?

    public init(
        id: String, image: String, name: String, state: String, origin: ImageOriginWire,
        format: String? = nil,
        size: Int? = nil, received: Int? = nil, sha256: String? = nil, bytes: Int? = nil,
        minStorageGb: Int? = nil, deletionProtection: Bool, createdAt: String, updatedAt: String,
        task: TaskWire? = nil, failure: FailureWire? = nil, cost: String? = nil
    ) {
        self.id = id
        self.image = image
        self.name = name
        imageName = name
        version = ""
        displayName = name
        scope = "team"
        self.state = state
        self.origin = origin
        self.format = format
        self.size = size
        self.received = received
        self.sha256 = sha256
        self.bytes = bytes
        self.minStorageGb = minStorageGb
        self.deletionProtection = deletionProtection
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.task = task
        self.failure = failure
        self.cost = cost
    }
}

/// What an image is made of.
public struct ImageOriginWire: Codable, Sendable, Equatable {
    /// `snapshot`, `compute`, `upload` or `url`.
    public var kind: String
    /// The snapshot's or compute's. It may be gone.
    public var id: String?
    public var url: String?

    public init(kind: String, id: String? = nil, url: String? = nil) {
        self.kind = kind
        self.id = id
        self.url = url
    }
}

/// An image that a compute can be made of: the two kinds that lists have. Its JSON is that of the one or the other, told by
/// `scope`.
public enum AnyImageWire: Codable, Sendable, Equatable {
    case ofCatalogue(ImageWire)
    case ofTeam(TeamImageWire)

    private enum Mark: String, CodingKey { case scope }

    public init(from decoder: any Decoder) throws {
        let scope = try decoder.container(keyedBy: Mark.self).decodeIfPresent(String.self, forKey: .scope)
        self =
            scope == "team"
            ? .ofTeam(try TeamImageWire(from: decoder)) : .ofCatalogue(try ImageWire(from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .ofCatalogue(let image): try image.encode(to: encoder)
        case .ofTeam(let image): try image.encode(to: encoder)
        }
    }

    /// The slug.
    public var image: String {
        switch self {
        case .ofCatalogue(let image): image.image
        case .ofTeam(let image): image.image
        }
    }

    /// Whether a compute can be made of it now.
    public var isReady: Bool {
        switch self {
        case .ofCatalogue: true
        case .ofTeam(let image): image.state == "READY"
        }
    }
}

/// The body of `POST /images`: exactly one of `snapshot`, `compute`, `url`, and for an upload `size`.
public struct CreateImageWire: Codable, Sendable, Equatable {
    public var slug: String
    public var name: String?
    /// The id of a snapshot.
    public var snapshot: String?
    /// The id of a compute that is STOPPED.
    public var compute: String?
    public var url: String?
    /// `qcow2` or `raw`, of a file.
    public var format: String?
    /// Bytes of the file that is to be uploaded.
    public var size: Int?
    /// Of a file.
    public var sha256: String?
    public var deletionProtection: Bool?

    public init(
        slug: String, name: String? = nil, snapshot: String? = nil, compute: String? = nil,
        url: String? = nil,
        format: String? = nil, size: Int? = nil, sha256: String? = nil, deletionProtection: Bool? = nil
    ) {
        self.slug = slug
        self.name = name
        self.snapshot = snapshot
        self.compute = compute
        self.url = url
        self.format = format
        self.size = size
        self.sha256 = sha256
        self.deletionProtection = deletionProtection
    }
}

/// The body of `PATCH /images/{slug}`: what is absent stays as it is.
public struct UpdateImageWire: Codable, Sendable, Equatable {
    public var name: String?
    public var deletionProtection: Bool?

    public init(name: String? = nil, deletionProtection: Bool? = nil) {
        self.name = name
        self.deletionProtection = deletionProtection
    }
}
