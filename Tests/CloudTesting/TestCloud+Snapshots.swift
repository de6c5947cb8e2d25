import CloudControl
import CloudCore
import CloudDatabase

extension TestCloud {
    /// Who asks for a snapshot: the team's owner.
    private static let owner = Caller(keyId: 1, teamId: 1, role: .owner)

    private static func request(_ endpoint: String) -> ChangeRequest {
        ChangeRequest(endpoint: endpoint, key: nil, members: [:], caller: owner, requestId: "r")
    }

    private static let answer: Answer<Snapshot> = { snapshot, _ in "\(snapshot.id)" }

    /// Begins a snapshot of a compute. Returns its id.
    public func beginSnapshot(of computeId: String, name: String = "before", protected: Bool = false)
        async throws
        -> Int64
    {
        let outcome = try await CreateSnapshot(
            computeId: Int64(computeId) ?? 0, name: name, deletionProtection: protected,
            request: Self.request("POST /computes/\(computeId)/snapshots"), answer: Self.answer
        ).run(in: cloud)
        return Int64(outcome.answer) ?? 0
    }

    /// Takes a snapshot of a compute, and lets it come to its end. Returns its id.
    public func readySnapshot(of computeId: String) async throws -> Int64 {
        let id = try await beginSnapshot(of: computeId)
        try await settle()
        return id
    }

    public func deleteSnapshot(_ id: Int64) async throws {
        _ = try await ChangeSnapshot(
            id: id, change: .delete, request: Self.request("DELETE /snapshots/\(id)"), answer: Self.answer
        ).run(in: cloud)
    }

    /// Asks to restore a compute from a snapshot.
    public func restore(_ computeId: String, from snapshot: Int64) async throws {
        _ = try await ChangeCompute(
            id: Int64(computeId) ?? 0, change: .restore(snapshot: snapshot),
            request: Self.request("POST /computes/\(computeId)/restore"),
            answer: { compute, _ in "\(compute.id)" }
        ).run(in: cloud)
    }

    /// Creates a compute whose disk is a copy of the snapshot. Returns its id.
    public func create(from snapshot: Int64, specification: String = "S-1C-1G") async throws -> Int64 {
        let outcome = try await CreateCompute(
            ComputeRequest(
                hostName: "copy", image: "", snapshotId: snapshot, region: "KGL-1",
                specification: specification,
                publicKeys: [Self.publicKey]),
            request: ChangeRequest(
                endpoint: CreateCompute.endpoint, key: try IdempotencyKey(header: Self.newKey()),
                members: [:],
                caller: Self.owner, requestId: "r"),
            answer: { compute, _ in "{\"data\":{\"id\":\"\(compute.id)\"},\"id\":\(compute.id)}" }
        ).run(in: cloud)
        let digits = outcome.answer.split(separator: "\"id\":").last?.prefix { $0.isNumber } ?? ""
        return Int64(digits) ?? 0
    }

    /// The snapshot's row, whatever its state.
    public func snapshot(_ id: Int64) async throws -> Snapshot? {
        try await cloud.database.read { sql in try sql.snapshots.get(id) }
    }

    /// The kinds of the resource's events, oldest first.
    public func kinds(_ resourceId: Int64) async throws -> [String] {
        try await cloud.database.read { sql in
            try sql.events.list(resourceId: resourceId, limit: 100).map(\.kind)
        }
    }
}
