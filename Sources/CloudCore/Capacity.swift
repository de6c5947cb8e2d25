/// What the computes of a host may take together, overcommit included. `nil`: unlimited.
public struct Capacity: Sendable, Equatable {
    public var vcpus: Int?
    public var memoryMb: Int?

    public init(vcpus: Int? = nil, memoryMb: Int? = nil) {
        self.vcpus = vcpus
        self.memoryMb = memoryMb
    }

    /// Throws `UNPROCESSABLE_ENTITY` with the reasons when `specification` does not fit beside what is taken.
    /// - Parameter field: the request's member that names it.
    public func check(
        _ specification: Specification, field: String = "specification", takenVcpus: Int, takenMemoryMb: Int
    ) throws(CloudError) {
        var reasons: [String] = []
        if let vcpus, takenVcpus + specification.vcpus > vcpus {
            reasons.append(
                "vCPUs: \(specification.vcpus) needed, \(max(0, vcpus - takenVcpus)) of \(vcpus) free")
        }
        if let memoryMb, takenMemoryMb + specification.memoryMb > memoryMb {
            reasons.append(
                "RAM: \(specification.memoryMb) MB needed, \(max(0, memoryMb - takenMemoryMb)) of \(memoryMb) MB free"
            )
        }
        guard !reasons.isEmpty else { return }
        let reason = reasons.joined(separator: "; ")
        throw CloudError(
            .unprocessableEntity,
            "There is no room for \(specification.specification) (\(reason)). Send a smaller specification, or delete "
                + "a compute first.",
            problems: [Problem(field, reason)])
    }
}
