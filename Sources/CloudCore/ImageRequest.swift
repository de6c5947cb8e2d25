/// What a client asks for with `POST /images`, well-typed but not yet checked.
public struct ImageRequest: Sendable, Equatable {
    public var slug: String
    /// For people.
    public var name: String
    public var origin: ImageOrigin
    public var deletionProtection: Bool

    /// - Parameter name: `nil`: the slug.
    public init(slug: String, name: String? = nil, origin: ImageOrigin, deletionProtection: Bool = false) {
        self.slug = slug
        self.name = name ?? slug
        self.origin = origin
        self.deletionProtection = deletionProtection
    }

    /// Every problem of the values themselves, whatever there is in the cell.
    public var problems: [Problem] {
        var problems: [Problem] = []
        if let problem = ImageSlug.problem(slug) { problems.append(Problem("slug", problem)) }
        if name != slug, let problem = DisplayName.problem(name) { problems.append(Problem("name", problem)) }
        switch origin {
        case .snapshot, .compute: break
        case .upload(let file, let size):
            if size < 1 {
                problems.append(Problem("size", "is \(size). Send the number of the file's bytes."))
            }
            problems += file.problems(isRequired: true)
        case .url(let url, let file):
            if let problem = ImageURL.problem(url) { problems.append(Problem("url", problem)) }
            problems += file.problems(isRequired: false)
        }
        return problems
    }
}

/// Whose images to list.
public enum ImageScope: String, Sendable, CaseIterable {
    /// The catalogue's, which every team may use.
    case everyone = "public"
    /// The team's own.
    case team

    /// What to say of a text that is no scope.
    public static func unknown(_ text: String) -> String {
        "'\(text.shown)' is not a scope. Send one of \(allCases.map(\.rawValue).joined(separator: ", "))."
    }
}

/// The name by which creates and paths mean an image of a team's own.
public enum ImageSlug {
    public static let maxLength = 63

    /// What is wrong with the slug, or `nil`.
    public static func problem(_ slug: String) -> String? {
        let bytes = slug.utf8
        let isWhole = bytes.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
        guard let first = bytes.first, bytes.count <= maxLength, isLetterOrDigit(first), isWhole else {
            return
                "'\(slug.shown)' is not a slug. Send 1 to \(maxLength) of the characters A-Z a-z 0-9 . _ -, of which "
                + "the first is a letter or digit."
        }
        return nil
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// Where a file on a web server is. What the name in it leads to is looked at when the file is fetched.
public enum ImageURL {
    public static let maxLength = 2048

    /// What is wrong with the URL, or `nil`.
    public static func problem(_ url: String) -> String? {
        let remedy = "Send one of at most \(maxLength) characters, such as https://example.org/disk.qcow2."
        guard url.utf8.count <= maxLength, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return "is too long, or has spaces or characters that are not ASCII's. \(remedy)"
        }
        let lowercased = url.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lowercased.hasPrefix) else {
            return "'\(url.shown)' begins with neither http:// nor https://. \(remedy)"
        }
        let authority = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else {
            return "has a user or password in it, which would be kept and shown. Send one without."
        }
        return authority.isEmpty || authority.hasPrefix(":")
            ? "'\(url.shown)' names no server. \(remedy)" : nil
    }
}

extension ImageFile {
    /// - Parameter isRequired: whether the digest must be there.
    fileprivate func problems(isRequired: Bool) -> [Problem] {
        guard let sha256 else {
            return isRequired
                ? [Problem("sha256", "is missing. Send the file's SHA-256: sha256sum FILE.")] : []
        }
        let isDigest =
            sha256.utf8.count == 64 && sha256.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
        return isDigest
            ? []
            : [
                Problem(
                    "sha256",
                    "'\(sha256.shown)' is not 64 hexadecimal digits. Send what sha256sum FILE prints.")
            ]
    }
}
