/// A compute as the public API shows it (API reference, "Compute object"; `sshEndpoint`, `task`, `failure` and
/// `cost` are ours).
public struct ComputeWire: Codable, Sendable, Equatable {
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
        ipv4: String?, privateIpv4: String?, sshEndpoint: String?, tags: [String], createdAt: String,
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
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.task = task
        self.failure = failure
        self.cost = cost
    }
}

/// The step that the work on a compute has reached.
public struct TaskWire: Codable, Sendable, Equatable {
    public var step: String
    public var since: String
    /// How often the step has failed so far.
    public var attempts: Int
    /// What it waits for or stumbled over.
    public var note: String?

    public init(step: String, since: String, attempts: Int, note: String?) {
        self.step = step
        self.since = since
        self.attempts = attempts
        self.note = note
    }
}

/// Why a compute failed.
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
    public var image: String
    public var region: String
    public var specification: String
    public var publicKeys: [String]
    public var tags: [String]?
    public var withPublicIp: Bool?

    public init(
        hostName: String, image: String, region: String, specification: String, publicKeys: [String],
        tags: [String]? = nil, withPublicIp: Bool? = nil
    ) {
        self.hostName = hostName
        self.image = image
        self.region = region
        self.specification = specification
        self.publicKeys = publicKeys
        self.tags = tags
        self.withPublicIp = withPublicIp
    }
}
