/// What a client asks for with `PATCH /computes/{id}`: `nil` leaves a member as it is.
public struct ComputeUpdate: Sendable, Equatable {
    /// The guest takes a new name at its next boot.
    public var hostName: String?
    /// All tags, in place of the present ones.
    public var tags: [String]?
    public var deletionProtection: Bool?

    public init(hostName: String? = nil, tags: [String]? = nil, deletionProtection: Bool? = nil) {
        self.hostName = hostName
        self.tags = tags
        self.deletionProtection = deletionProtection
    }

    /// Every problem of the values.
    public var problems: [Problem] {
        var problems: [Problem] = []
        if self == ComputeUpdate() {
            problems.append(
                Problem(
                    "hostName", "nothing to change. Send at least one of hostName, tags, deletionProtection.")
            )
        }
        if let hostName, let problem = HostName.problem(hostName) {
            problems.append(Problem("hostName", problem))
        }
        return problems + (tags.map(Tag.problems) ?? [])
    }
}
