import CloudCore
import CloudDatabase

/// Lets the database name this program to the others of the cell, so that they accept its certificate.
public struct RegisterLink: Sendable {
    public var fingerprint: String
    public var answersAPI: Bool
    /// For people.
    public var name: String
    /// Where others reach it; `nil`: nowhere.
    public var address: IPv4Endpoint?

    public init(fingerprint: String, answersAPI: Bool, name: String, address: IPv4Endpoint?) {
        self.fingerprint = fingerprint
        self.answersAPI = answersAPI
        self.name = name
        self.address = address
    }

    /// - Parameter host: the host that the program's worker owns; its transaction looks whether it still does, and names
    ///   nobody else.
    public func run(
        in database: any Database, host: OwnedHost?, clock: any CloudClock
    ) async throws {
        let now = clock.nowMs
        try await database.write(.registerLink) { sql in
            if let host, try !sql.hosts.isOwned(host.id, epoch: host.epoch) { return }
            let name = try host.flatMap { try sql.hosts.get($0.id) }?.name ?? self.name
            try sql.links.set(
                LinkRecord(
                    fingerprint: fingerprint, host: host, answersAPI: answersAPI, name: name,
                    address: host == nil ? nil : address), nowMs: sql.nowMs() ?? now)
        }
    }

    /// Whether the database names the program as it is.
    func isKnown(in database: any Database, host: OwnedHost?) async throws -> Bool {
        guard let host else { return false }
        return try await database.glance { sql in
            let known = try sql.links.of(hostId: host.id)
            return known?.fingerprint == fingerprint && known?.host == host && known?.address == address
        }
    }
}
