/// One thing that happened in a team, most often to one of its resources.
public struct Event: Sendable, Equatable {
    /// `nil` when it is about the team: its keys, its wallet, its standing.
    public var resourceId: Int64?
    /// `nil` when it is about the cell itself: then it is in no team's audit log, and for the operator alone.
    public var teamId: Int64?
    /// Dotted and lower case: `compute.created`.
    public var kind: String
    public var detail: String?
    public var actor: Actor
    public var requestId: String?

    /// Who did it.
    public enum Actor: Sendable, Equatable {
        /// A caller of the API, by the key's id.
        case key(Int64)
        /// A command on the server's machine.
        case `operator`
        /// The cell itself.
        case system
    }

    public init(
        resourceId: Int64?, teamId: Int64?, kind: String, detail: String? = nil, actor: Actor,
        requestId: String? = nil
    ) {
        self.resourceId = resourceId
        self.teamId = teamId
        self.kind = kind
        self.detail = detail
        self.actor = actor
        self.requestId = requestId
    }
}

/// An event as it was appended.
public struct EventRecord: Sendable, Equatable {
    /// Grows with time, over all teams.
    public var id: Int64
    public var atMs: Int64
    public var event: Event
    /// The kind of the event's resource; `nil` when the event is not about a resource.
    public var resourceKind: ResourceKind?
    /// The name of the actor's key, `nil` without one.
    public var keyName: String?

    public init(
        id: Int64, atMs: Int64, event: Event, resourceKind: ResourceKind? = nil, keyName: String?
    ) {
        self.id = id
        self.atMs = atMs
        self.event = event
        self.resourceKind = resourceKind
        self.keyName = keyName
    }
}
