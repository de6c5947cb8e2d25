import CloudCore
import CloudDatabase
import CloudVerbs

/// `POST /computes/{id}/snapshots`: begins a snapshot of the compute's disk as it is now.
public struct CreateSnapshot: Sendable {
    public var computeId: Int64
    public var name: String
    public var deletionProtection: Bool
    public var request: ChangeRequest
    public var answer: Answer<Snapshot>

    public init(
        computeId: Int64, name: String, deletionProtection: Bool = false, request: ChangeRequest,
        answer: @escaping Answer<Snapshot>
    ) {
        self.computeId = computeId
        self.name = name
        self.deletionProtection = deletionProtection
        self.request = request
        self.answer = answer
    }

    /// Returns after the commit. Throws `FORBIDDEN`, `RESOURCE_NOT_FOUND`, `VALIDATION_ERROR` for the name, the team's
    /// standing, `CONFLICT` when the compute's state does not allow it or another snapshot of it is being taken, and
    /// `UNPROCESSABLE_ENTITY` when it has as many as it may have.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        try await request.carryOut(
            .createSnapshot, .changeComputes, in: cloud, keptForLife: true, answer: answer
        ) { try begin($0, cloud, nowMs: $1) }
    }

    private func begin(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Snapshot {
        let compute = try GetCompute.find(computeId, request.caller, sql)
        // It begins a cost, as a create does.
        try TeamWallet(sql: sql, teamId: compute.teamId, cloud: cloud).check(.create)
        if let problem = DisplayName.problem(name) { throw CloudError.invalid([Problem("name", problem)]) }
        try Self.check(compute, sql)
        let id = try sql.snapshotVerbs.begin(
            compute, name: name, deletionProtection: deletionProtection, by: .key(request.caller.keyId),
            requestId: request.requestId, nowMs: nowMs)
        return try GetSnapshot.find(id, teamId: compute.teamId, sql)
    }

    private static func check(_ compute: Compute, _ sql: any SQLConnection) throws {
        if let taking = try sql.snapshots.taking(computeId: compute.id) {
            throw CloudError(
                .conflict,
                "Snapshot \(taking.id) of compute \(compute.id) is being taken. Wait until it is READY: "
                    + "GET /snapshots/\(taking.id)?wait=READY.")
        }
        guard [.running, .stopped].contains(compute.state), compute.isAtRest else {
            let work = compute.askedAction.map { " ('\($0.rawValue)' is under way)" } ?? ""
            throw CloudError(
                .conflict,
                "Compute \(compute.id) is \(compute.state.rawValue)\(work), which allows no snapshot. Take one when it is "
                    + "RUNNING or STOPPED and nothing is under way.")
        }
        if try sql.jobs.waitsFor(compute.id) != nil {
            throw CloudError(
                .conflict,
                "Compute \(compute.id) is being moved to another host, or a snapshot or an image of it is made or deleted. Try again "
                    + "once that is over.")
        }
        let count = try sql.snapshots.count(computeId: compute.id)
        guard count >= Snapshot.mostOfCompute else { return }
        throw CloudError(
            .unprocessableEntity,
            "Compute \(compute.id) has \(count) snapshots, and \(Snapshot.mostOfCompute) are the most that it may have. "
                + "Delete one first: GET /snapshots?computeId=\(compute.id).")
    }
}
