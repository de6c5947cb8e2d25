/// What a key may do in its team (API reference, "Teams, roles, billing").
public enum Role: String, Sendable, CaseIterable {
    case owner = "Owner"
    case admin = "Admin"
    case member = "Member"

    /// Whether the role allows it: the one table of who may do what.
    public func may(_ permission: Permission) -> Bool {
        switch (permission, self) {
        case (.view, .owner), (.view, .admin), (.view, .member): true
        case (.changeComputes, .owner), (.changeComputes, .admin): true
        case (.changeComputes, .member): false
        case (.manageKeys, .owner), (.manageKeys, .admin): true
        case (.manageKeys, .member): false
        case (.manageMembers, .owner), (.manageMembers, .admin): true
        case (.manageMembers, .member): false
        case (.deleteTeam, .owner): true
        case (.deleteTeam, .admin), (.deleteTeam, .member): false
        case (.transferTeam, .owner): true
        case (.transferTeam, .admin), (.transferTeam, .member): false
        }
    }

    /// Whether a key of this role may make and revoke keys of the role `other`: nobody makes a key that may do more
    /// than his own, or revokes one.
    public func mayManageKeys(of other: Role) -> Bool {
        may(.manageKeys) && Permission.allCases.allSatisfy { !other.may($0) || may($0) }
    }
}

/// What a role allows or does not.
public enum Permission: Sendable, CaseIterable {
    case view
    /// Create, power, upsize, delete.
    case changeComputes
    case manageKeys
    case manageMembers
    case deleteTeam
    case transferTeam
}
