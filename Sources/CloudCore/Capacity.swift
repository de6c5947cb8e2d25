/// What the computes of a host may take together, overcommit included. `nil`: unlimited.
public struct Capacity: Sendable, Equatable {
    public var vcpus: Int?
    public var memoryMb: Int?
    public var storageGb: Int?

    public init(vcpus: Int? = nil, memoryMb: Int? = nil, storageGb: Int? = nil) {
        self.vcpus = vcpus
        self.memoryMb = memoryMb
        self.storageGb = storageGb
    }

    /// For each resource of which there is not enough beside what is taken: which, and the figures in words.
    public func shortages(of need: Resources, taken: Resources) -> [(obstacle: HostObstacle, figures: String)]
    {
        let resources: [(HostObstacle, Int?, Int, Int, String)] = [
            (.vcpus, vcpus, taken.vcpus, need.vcpus, ""),
            (.memory, memoryMb, taken.memoryMb, need.memoryMb, " MB"),
            (.storage, storageGb, taken.storageGb, need.storageGb, " GB"),
        ]
        return resources.compactMap { obstacle, all, taken, needed, unit in
            guard let all, taken + needed > all else { return nil }
            return (
                obstacle,
                "\(obstacle.rawValue): \(needed)\(unit) needed, \(max(0, all - taken)) of \(all)\(unit) free"
            )
        }
    }

    /// Throws `UNPROCESSABLE_ENTITY` with the reasons when a compute that is there can't become one of `specification`.
    /// - Parameters:
    ///   - taken: by the others on its host.
    ///   - field: the request's member that names the specification.
    public func check(
        _ specification: Specification, field: String, taken: Resources
    ) throws(CloudError) {
        let reason = shortages(of: specification.resources, taken: taken).map(\.figures).joined(
            separator: "; ")
        guard !reason.isEmpty else { return }
        throw Self.noRoom(for: specification, field: field, reason)
    }

    static func noRoom(for specification: Specification, field: String, _ reason: String) -> CloudError {
        CloudError(
            .unprocessableEntity,
            "There is no room for \(specification.specification) (\(reason)). Send a smaller specification, or delete "
                + "a compute first.",
            problems: [Problem(field, reason)])
    }
}
