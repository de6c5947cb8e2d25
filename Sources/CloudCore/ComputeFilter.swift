/// Which of a team's computes to list. What is `nil` or empty lets all through.
public struct ComputeFilter: Sendable, Equatable {
    public var state: ComputeState?
    /// All of them must be there.
    public var tags: [String] = []
    /// A region's slug.
    public var region: String?
    /// Compared without regard to case (RFC 4343).
    public var hostName: String?

    public static let maxSlugLength = 64

    public init(
        state: ComputeState? = nil, tags: [String] = [], region: String? = nil, hostName: String? = nil
    ) {
        self.state = state
        self.tags = tags
        self.region = region
        self.hostName = hostName
    }

    /// Adds to `problems` every value that no compute can have.
    public init(
        state: String?, tags: [String], region: String?, hostName: String?, _ problems: inout [Problem]
    ) {
        self.init(tags: tags, region: region, hostName: hostName)
        if let state {
            self.state = ComputeState(rawValue: state)
            if self.state == nil { problems.append(Problem("state", ComputeState.unknown(state))) }
        }
        problems += Tag.problems(tags).map { Problem("tag", $0.message) }
        if let region, !Self.isSlug(region) {
            problems.append(Problem("region", "'\(region.shown)' is no slug. Send one like KGL-1."))
        }
        if let hostName, let problem = HostName.problem(hostName) {
            problems.append(Problem("hostName", problem))
        }
    }

    /// As slugs in a catalogue are: letters, digits and inner marks.
    private static func isSlug(_ text: String) -> Bool {
        (1...maxSlugLength).contains(text.utf8.count)
            && text.utf8.allSatisfy { HostName.isAlphanumeric($0) || "-._".utf8.contains($0) }
    }
}
