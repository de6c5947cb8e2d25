/// What a key may do in its team (API reference, "Teams, roles, billing").
public enum Role: String, Sendable, CaseIterable {
    case owner = "Owner"
    case admin = "Admin"
    case member = "Member"

    /// Whether the role may change computes; a Member may only look.
    public var mayChangeComputes: Bool {
        switch self {
        case .owner, .admin: true
        case .member: false
        }
    }
}
