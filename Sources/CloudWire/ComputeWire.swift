/// A compute as the public API shows it (API reference, "Compute object"; `sshEndpoint`, `deletionProtection`,
/// `task`, `failure` and `cost` are ours).
public struct ComputeWire: LiveResourceWire {
    public static let noun = "compute"

    /// Decimal digits.
    public var id: String
    public var hostName: String
    public var state: String
    public var image: String
    public var specification: String
    public var region: String
    /// The public address; absent without one.
    public var ipv4: String?
    public var privateIpv4: String?
    /// `host:port` that leads to the guest's SSH, on a host without its own network for guests.
    public var sshEndpoint: String?
    public var tags: [String]
    /// Whether a delete is refused.
    public var deletionProtection: Bool
    public var createdAt: String
    public var updatedAt: String
    /// What is being done to it now; absent when nothing is.
    public var task: TaskWire?
    /// Why it is not what was asked for.
    public var failure: FailureWire?
    /// Francs with three decimals that it has cost so far; absent where nothing is billed.
    public var cost: String?

    public init(
        id: String, hostName: String, state: String, image: String, specification: String, region: String,
        ipv4: String?, privateIpv4: String?, sshEndpoint: String?, tags: [String], deletionProtection: Bool,
        createdAt: String,
        updatedAt: String, task: TaskWire?, failure: FailureWire?, cost: String? = nil
    ) {
        self.id = id
        self.hostName = hostName
        self.state = state
        self.image = image
        self.specification = specification
        self.region = region
        self.ipv4 = ipv4
        self.privateIpv4 = privateIpv4
        self.sshEndpoint = sshEndpoint
        self.tags = tags
        self.deletionProtection = deletionProtection
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.task = task
        self.failure = failure
        self.cost = cost
    }
}

/// What is being done to a resource, and the step that it has reached.
public struct TaskWire: Codable, Sendable, Equatable {
    /// What was asked for: of a compute `create`, `start`, `stop`, `reboot`, `upsize`, `restore` or `delete`, of a snapshot
    /// `take` or `delete`. Absent while what has failed is cleaned up.
    public var action: String?
    public var step: String
    public var since: String
    /// How often the step has failed so far.
    public var attempts: Int
    /// What it waits for or stumbled over.
    public var note: String?

    public init(action: String?, step: String, since: String, attempts: Int, note: String?) {
        self.action = action
        self.step = step
        self.since = since
        self.attempts = attempts
        self.note = note
    }
}

/// Why a resource is not what was asked for.
public struct FailureWire: Codable, Sendable, Equatable {
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// The body of `POST /computes` in the slug dialect.
public struct CreateComputeWire: Codable, Sendable, Equatable {
    public var hostName: String
    /// Either this or `snapshot`.
    public var image: String?
    /// The id of the snapshot that the disk is made of.
    public var snapshot: String?
    public var region: String
    public var specification: String
    public var publicKeys: [String]
    public var tags: [String]?
    public var withPublicIp: Bool?
    /// For cloud-init.
    public var userData: String?
    public var deletionProtection: Bool?

    public init(
        hostName: String, image: String? = nil, snapshot: String? = nil, region: String,
        specification: String, publicKeys: [String], tags: [String]? = nil, withPublicIp: Bool? = nil,
        userData: String? = nil, deletionProtection: Bool? = nil
    ) {
        self.hostName = hostName
        self.image = image
        self.snapshot = snapshot
        self.region = region
        self.specification = specification
        self.publicKeys = publicKeys
        self.tags = tags
        self.withPublicIp = withPublicIp
        self.userData = userData
        self.deletionProtection = deletionProtection
    }
}

/// The body of `PATCH /computes/{id}`: what is absent stays as it is.
public struct UpdateComputeWire: Codable, Sendable, Equatable {
    public var hostName: String?
    public var tags: [String]?
    public var deletionProtection: Bool?

    public init(hostName: String? = nil, tags: [String]? = nil, deletionProtection: Bool? = nil) {
        self.hostName = hostName
        self.tags = tags
        self.deletionProtection = deletionProtection
    }
}

/// The body of `PATCH /computes/{id}/upsize` in the slug dialect.
public struct UpsizeComputeWire: Codable, Sendable, Equatable {
    public var newSpecification: String

    public init(newSpecification: String) { self.newSpecification = newSpecification }
}

/// A request that used an idempotency key, in `GET /idempotency-keys/{key}`.
public struct IdempotencyKeyUseWire: Codable, Sendable, Equatable {
    /// Method and path below the base path.
    public var endpoint: String
    /// The compute that was made or changed; absent for another resource.
    public var computeId: String?
    /// What was made or changed; absent for what is not a resource, such as an API key.
    public var resource: ResourceWire?
    public var usedAt: String
    /// Absent while the key is kept for its resource's life.
    public var expiresAt: String?

    public init(
        endpoint: String, computeId: String?, resource: ResourceWire?, usedAt: String, expiresAt: String?
    ) {
        self.endpoint = endpoint
        self.computeId = computeId
        self.resource = resource
        self.usedAt = usedAt
        self.expiresAt = expiresAt
    }
}
