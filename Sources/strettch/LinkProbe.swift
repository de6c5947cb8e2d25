import CloudControl
import CloudCore
import CloudLink

/// Tries whether hosts answer by their links, as a server of the API on this machine would.
struct LinkProbe: Sendable {
    /// Hosts that are tried at once.
    private static let together = 8

    let cloud: Cloud

    /// Why each of the hosts does not answer, by its id; `nil` for those that do.
    func problems(of hostIds: [Int64]) async throws -> [Int64: String?] {
        guard !hostIds.isEmpty else { return [:] }
        let identity = try LinkIdentity()
        // Forgotten like a server that has ended: nobody else has its key.
        try await RegisterLink(
            fingerprint: identity.fingerprint, answersAPI: true, name: "strettch admin", address: nil
        ).run(in: cloud.database, host: nil, clock: cloud.clock)
        let table = LinkTable(
            database: cloud.database, clock: cloud.clock, own: { nil }, desk: nil, identity: identity)
        return await withTaskGroup(of: (Int64, String?).self) { group in
            var (problems, left) = ([Int64: String?](), hostIds[...])
            for id in left.prefix(Self.together) { group.addTask { await Self.problem(id, table) } }
            left = left.dropFirst(Self.together)
            for await (id, problem) in group {
                problems.updateValue(problem, forKey: id)
                if let next = left.popFirst() { group.addTask { await Self.problem(next, table) } }
            }
            return problems
        }
    }

    private static func problem(_ hostId: Int64, _ table: LinkTable) async -> (Int64, String?) {
        do {
            try await table.hello(hostId)
            return (hostId, nil)
        } catch {
            return (hostId, (error as? CloudError)?.message ?? "\(error)")
        }
    }
}
