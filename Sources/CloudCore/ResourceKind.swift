/// The kinds of resource. All share one sequence of ids, so an id names one resource for good.
public enum ResourceKind: String, Sendable, CaseIterable {
    case compute
    /// A compute's way from one host to another.
    case move
    /// Of a compute's disk.
    case snapshot
    /// Of a team's own, for computes to start with.
    case image
}
