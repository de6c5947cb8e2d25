import CloudCore
import CloudWire

extension TeamWire {
    /// - Parameter role: of the key that asks.
    public init(_ team: Team, standing: TeamStanding, role: Role? = nil) {
        self.init(
            id: String(team.id), name: team.name, role: role?.rawValue, network: team.network.description,
            standing: standing.rawValue, createdAt: Timestamp.text(team.createdAtMs))
    }
}

extension KeyWire {
    /// - Parameter secret: the key itself, when it was just made.
    public init(_ key: TeamKey, secret: String? = nil) {
        self.init(
            id: String(key.id), name: key.name, role: key.role.rawValue,
            createdAt: Timestamp.text(key.createdAtMs), lastUsedAt: key.lastUsedAtMs.map(Timestamp.text),
            revoked: key.isRevoked, key: secret)
    }
}
