import CloudCore

/// What can be done about an image that can't be used, for the message.
enum ImageRemedy {
    case pull, verify, bring

    /// Nobody has to do anything for a team's own image: it comes from the host that made it.
    func text(for image: Image) -> String {
        if case .cell = image.source {
            return self == .bring ? "It is tried again." : "It is fetched from the host that made it."
        }
        let slug = image.image
        return switch self {
        case .pull: "Fetch it by: strettch admin image pull \(slug)"
        case .verify: "Look into it by: strettch admin image verify \(slug)"
        case .bring:
            "Try by hand: strettch admin image pull \(slug), or bring a file: strettch admin image import \(slug) FILE"
        }
    }
}

extension Image {
    /// The team's own image that has the key; `nil` for one of the catalogue's.
    static func teamImage(ofKey key: String) -> Int64? {
        guard key.hasPrefix("@"), let id = Int64(key.dropFirst()), id > 0 else { return nil }
        return id
    }

    /// A team's own image, as its manifest tells; `nil` when it is one of the catalogue's.
    init?(ofTeam manifest: ImageManifest) {
        guard let id = Image.teamImage(ofKey: manifest.image),
            let createdAtMs = manifest.origin.split(separator: ":").last.flatMap({ Int64($0) }),
            manifest.origin == ImageManifest.cellOrigin(ImageOnHost(id: id, createdAtMs: createdAtMs))
        else { return nil }
        self.init(
            image: manifest.image, imageName: manifest.image, version: "", displayName: manifest.image,
            source: .cell(id: id, createdAtMs: createdAtMs, content: manifest.content))
    }
}
