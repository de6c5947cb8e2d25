import CloudCore
import CloudDatabase
import FoundationEssentials

/// `POST /computes`: exactly one compute for each idempotency key, whatever crashes or is sent twice.
public struct CreateCompute: Sendable {
    public static let endpoint = "POST /computes"

    public var request: ComputeRequest
    public var key: IdempotencyKey
    /// Every member of the body as the client sent it, in canonical JSON: what makes two requests the same.
    public var members: [String: String]
    public var caller: Caller
    public var requestId: String
    /// The body to answer with. It is stored with the key, so that a retry gets the same bytes.
    public var answer: @Sendable (Compute) throws -> String

    public init(
        request: ComputeRequest, key: IdempotencyKey, members: [String: String], caller: Caller,
        requestId: String,
        answer: @escaping @Sendable (Compute) throws -> String
    ) {
        self.request = request
        self.key = key
        self.members = members
        self.caller = caller
        self.requestId = requestId
        self.answer = answer
    }

    /// What to answer, and whether it was answered before.
    public struct Outcome: Sendable, Equatable {
        public var answer: String
        public var replayed: Bool
    }

    /// Returns after the commit. Throws `FORBIDDEN`, `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND` for a slug,
    /// `UNPROCESSABLE_ENTITY` for a key that was used otherwise, no room, or no address, the team's standing, and
    /// `INSUFFICIENT_BALANCE`. What throws changes nothing, the idempotency key included.
    public func run(in cloud: Cloud) async throws -> Outcome {
        try caller.requireChangingComputes()
        let outcome = try await cloud.database.write { sql in try transact(sql, cloud) }
        if !outcome.replayed { cloud.wake() }
        return outcome
    }

    private func transact(_ sql: any SQLConnection, _ cloud: Cloud) throws -> Outcome {
        let known = try sql.idempotencyKeys.get(
            teamId: caller.teamId, endpoint: Self.endpoint, key: key.value)
        if let known { return try replay(known) }

        // After the replay: what was accepted once is answered again, whatever the operator's rules are by now.
        let compute = try MakeCompute(request: request, caller: caller, requestId: requestId).run(sql, cloud)
        let answer = try answer(compute)
        try sql.idempotencyKeys.insert(
            teamId: caller.teamId, endpoint: Self.endpoint, key: key.value,
            record: IdempotencyRecord(
                request: try Self.canonical(members), computeId: compute.id, answer: answer),
            nowMs: cloud.clock.nowMs)
        return Outcome(answer: answer, replayed: false)
    }

    /// The first answer again, or 422 with the members that differ.
    private func replay(_ known: IdempotencyRecord) throws -> Outcome {
        let first = try JSONDecoder().decode([String: String].self, from: Data(known.request.utf8))
        let differing = Set(first.keys).union(members.keys).filter { first[$0] != members[$0] }.sorted()
        guard differing.isEmpty else {
            throw CloudError(
                .unprocessableEntity,
                "The Idempotency-Key \(key.value) was used for another request, which made compute \(known.computeId). "
                    + "Send a new key for a new compute, or the first body again.",
                problems: differing.map { Problem($0, "differs from the first request with this key.") })
        }
        return Outcome(answer: known.answer, replayed: true)
    }

    private static func canonical(_ members: [String: String]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(members), as: UTF8.self)
    }
}

/// The addresses that a new compute holds from its first moment on.
struct Addresses {
    var privateIpv4: IPv4Address
    var publicIpv4: IPv4Address?
    var sshPort: Int?

    /// The first hosts of a team's network are kept: .1 is the gateway, .2 to .4 are for services to come.
    static let reservedPerTeam: UInt32 = 5

    /// Throws `UNPROCESSABLE_ENTITY` when there is none left.
    static func take(
        _ sql: any SQLConnection, for teamId: Int64, withPublicIp: Bool, _ settings: CloudSettings
    ) throws -> Addresses {
        guard let network = try sql.teams.network(teamId: teamId) else {
            // Deleted, with its keys, after this request was let in.
            throw CloudError(.unauthorized, "The team was deleted. Use another team's key.")
        }
        let hosts =
            IPv4Address(network.base.value + reservedPerTeam)...IPv4Address(network.last.value - 1)
        guard let privateIpv4 = try sql.addresses.freePrivateIpv4(in: hosts) else {
            throw CloudError(
                .unprocessableEntity,
                "The team's network \(network) has no address left. Delete a compute first.")
        }
        var addresses = Addresses(privateIpv4: privateIpv4)
        if let ports = settings.sshPorts {
            addresses.sshPort = try freePort(sql, ports)
        } else if withPublicIp {
            addresses.publicIpv4 = try freePublic(sql, settings.publicPool)
        }
        return addresses
    }

    private static func freePublic(_ sql: any SQLConnection, _ pool: [IPv4Network]) throws -> IPv4Address {
        if let address = try sql.addresses.freePublicIpv4(in: pool) { return address }
        throw CloudError(
            .unprocessableEntity,
            "There is no public address left. Send withPublicIp false, delete a compute that has one, or ask the "
                + "operator for a larger pool.",
            problems: [Problem("withPublicIp", "no public address is left.")])
    }

    private static func freePort(_ sql: any SQLConnection, _ ports: ClosedRange<Int>) throws -> Int {
        if let port = try sql.addresses.freeSSHPort(in: ports) { return port }
        throw CloudError(
            .unprocessableEntity,
            "All \(ports.count) SSH ports of this host are in use. Delete a compute first.")
    }
}
