import CloudCore
import CloudDatabase

/// What the first start of a cell makes: its installation id, one team and its owner's key.
public struct Bootstrap: Sendable {
    public static let teamName = "default"

    /// Keeps the owner's key where its user finds it. Called within the transaction that makes the team, so that of servers
    /// that start at once only one keeps a key, and again with the same key when that is run again. A crash before its commit
    /// leaves a key that opens nothing, and the next start makes another. The other way round it would leave a cell that
    /// nobody has a key to.
    public var keep: @Sendable (String) throws -> Void

    public struct Outcome: Sendable, Equatable {
        public var installationId: String
        /// The owner's key when this was the first start. It can't be had again.
        public var ownerKey: String?
    }

    public init(keep: @escaping @Sendable (String) throws -> Void) { self.keep = keep }

    /// The cell's installation id, which is made if it has none. For a server that makes no team.
    public static func installationId(in cloud: Cloud) async throws -> String { try await mark(cloud).id }

    private static func mark(_ cloud: Cloud) async throws -> (id: String, isFirst: Bool) {
        let fresh = APIKey.hex(cloud.randomBytes(8))
        return try await cloud.database.write(.createCell) { sql in
            let known = try sql.installationId()
            if known == nil { try sql.setInstallationId(fresh) }
            return (known ?? fresh, try sql.teams.count() == 0)
        }
    }

    /// Throws what `keep` throws; then there is neither team nor key.
    public func run(in cloud: Cloud) async throws -> Outcome {
        let (installationId, isFirst) = try await Self.mark(cloud)
        guard isFirst else { return Outcome(installationId: installationId) }
        let key = APIKey.make(cloud.randomBytes)
        let now = cloud.clock.nowMs
        let settings = cloud.settings
        let isMade = try await cloud.database.write(.createFirstTeam) { sql in
            guard try sql.teams.count() == 0 else { return false }
            try keep(key)
            _ = try CreateTeam(name: Self.teamName, keyName: "first owner")
                .insert(sql, settings, secret: key, nowMs: now)
            return true
        }
        return Outcome(installationId: installationId, ownerKey: isMade ? key : nil)
    }
}
