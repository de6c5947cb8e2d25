/// The key's own team as the public API shows it.
public struct TeamWire: Codable, Sendable, Equatable {
    /// Decimal digits.
    public var id: String
    public var name: String
    /// The role of the key that asks; absent where none does, in commands of the operator.
    public var role: String?
    /// The block of the private addresses of its computes: `10.0.0.0/22`.
    public var network: String
    /// What its wallet allows: `ACTIVE`, `PAST_DUE`, `SUSPENDED` or `TERMINATED`.
    public var standing: String
    public var createdAt: String

    public init(id: String, name: String, role: String?, network: String, standing: String, createdAt: String)
    {
        self.id = id
        self.name = name
        self.role = role
        self.network = network
        self.standing = standing
        self.createdAt = createdAt
    }
}

/// An API key as the public API shows it.
public struct KeyWire: Codable, Sendable, Equatable {
    /// Decimal digits.
    public var id: String
    public var name: String
    public var role: String
    public var createdAt: String
    /// Up to a minute behind; absent when it was never used.
    public var lastUsedAt: String?
    public var revoked: Bool
    /// The key itself: in the answer to its creation alone.
    public var key: String?

    public init(
        id: String, name: String, role: String, createdAt: String, lastUsedAt: String?, revoked: Bool,
        key: String? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.revoked = revoked
        self.key = key
    }
}
