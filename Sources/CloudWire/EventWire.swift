/// One thing that happened in a team, as the audit log and the live stream show it.
public struct EventWire: Codable, Sendable, Equatable {
    /// Decimal digits; grows with time.
    public var id: String
    /// What happened, dotted and lower case: `compute.created`. Names may be added.
    public var kind: String
    public var at: String
    public var actor: ActorWire
    /// The compute that it is about; absent when it is about the team.
    public var computeId: String?
    /// The resource that it is about, of whatever kind; absent when it is about the team.
    public var resource: ResourceWire?
    /// The request that did it, the same as in its answer and the log.
    public var requestId: String?
    /// More about it, in words.
    public var detail: String?

    public init(
        id: String, kind: String, at: String, actor: ActorWire, computeId: String?,
        resource: ResourceWire? = nil,
        requestId: String?, detail: String?
    ) {
        self.id = id
        self.kind = kind
        self.at = at
        self.actor = actor
        self.computeId = computeId
        self.resource = resource
        self.requestId = requestId
        self.detail = detail
    }
}

/// Which resource something is about.
public struct ResourceWire: Codable, Sendable, Equatable {
    /// `compute`. Names may be added.
    public var kind: String
    public var id: String

    public init(kind: String, id: String) {
        self.kind = kind
        self.id = id
    }
}

/// Who did something.
public struct ActorWire: Codable, Sendable, Equatable {
    /// `key`, `operator` (a command on the server's machine) or `system` (the service itself).
    public var type: String
    /// Only of a `key`.
    public var keyId: String?
    public var keyName: String?

    public init(type: String, keyId: String?, keyName: String?) {
        self.type = type
        self.keyId = keyId
        self.keyName = keyName
    }
}
