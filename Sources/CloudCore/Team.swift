/// A customer of the cell: computes, keys and a private network that others do not reach.
public struct Team: Sendable, Equatable {
    public var id: Int64
    public var name: String
    public var network: IPv4Network
    public var createdAtMs: Int64

    public init(id: Int64, name: String, network: IPv4Network, createdAtMs: Int64) {
        self.id = id
        self.name = name
        self.network = network
        self.createdAtMs = createdAtMs
    }
}

/// What is known of an API key. The key itself is not: only its hash is stored.
public struct TeamKey: Sendable, Equatable {
    public var id: Int64
    public var teamId: Int64
    public var name: String
    public var role: Role
    public var createdAtMs: Int64
    /// Up to a minute behind; `nil` when it was never used.
    public var lastUsedAtMs: Int64?
    /// From then on it opens nothing; `nil` while it works.
    public var revokedAtMs: Int64?

    public init(
        id: Int64, teamId: Int64, name: String, role: Role, createdAtMs: Int64, lastUsedAtMs: Int64? = nil,
        revokedAtMs: Int64? = nil
    ) {
        self.id = id
        self.teamId = teamId
        self.name = name
        self.role = role
        self.createdAtMs = createdAtMs
        self.lastUsedAtMs = lastUsedAtMs
        self.revokedAtMs = revokedAtMs
    }

    public var isRevoked: Bool { revokedAtMs != nil }
}

/// Names that people give to teams and keys.
public enum DisplayName {
    /// In Unicode scalars, as JSON Schema counts.
    public static let maxLength = 64

    /// What is wrong with `name`, or `nil`. Names are never changed on the server.
    public static func problem(_ name: String) -> String? {
        let remedy = "Send 1 to \(maxLength) printable characters, without spaces at the ends."
        let scalars = name.unicodeScalars
        guard let first = scalars.first, let last = scalars.last else { return "is empty. \(remedy)" }
        if scalars.count > maxLength {
            return "has \(scalars.count) characters, more than \(maxLength). \(remedy)"
        }
        if first.properties.isWhitespace || last.properties.isWhitespace {
            return "'\(name.shown)' begins or ends with a space. \(remedy)"
        }
        return scalars.allSatisfy(isPrintable)
            ? nil : "'\(name.shown)' has a character that can't be seen. \(remedy)"
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        // Format has what reorders or hides text on a terminal.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            false
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber,
            .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol,
            .modifierSymbol, .otherSymbol, .spaceSeparator:
            true
        @unknown default: false
        }
    }
}
