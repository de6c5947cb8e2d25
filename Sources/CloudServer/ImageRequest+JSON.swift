import CloudControl
import CloudCore
import CloudWire

extension ImageRequest {
    /// Reads the members of a create's body. Unknown members are ignored. Throws `VALIDATION_ERROR` with every member that is
    /// missing or wrong.
    init(members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        let slug = fields.string("slug")
        let name = fields.stringIfSent("name")
        let origin = fields.imageOrigin()
        self.init(
            slug: slug, name: name, origin: origin,
            deletionProtection: fields.boolIfSent("deletionProtection") ?? false)
        try fields.end(problems)
        let problems = problems
        if !problems.isEmpty { throw CloudError.invalid(problems) }
    }
}

extension ImageUpdate {
    /// Reads the members of an update's body; those that are absent stay as they are. Throws `VALIDATION_ERROR`.
    init(members: [String: JSONValue]) throws(CloudError) {
        let update = try SnapshotUpdate(members: members)
        self.init(name: update.name, deletionProtection: update.deletionProtection)
    }
}

extension Fields {
    /// The members of which a create has exactly one: what each says the image is made of.
    private static let origins = ["snapshot", "compute", "url", "size"]
    /// What only a file has.
    private static let ofFile = ["format", "sha256"]

    /// What an image is to be made of. Several are a problem of each of them, and none is one of `snapshot`.
    fileprivate mutating func imageOrigin() -> ImageOrigin {
        let sent = Self.origins.filter(has)
        let choice = "Send exactly one of snapshot, compute, url, or for an upload size with sha256."
        guard let first = sent.first else {
            problems.append(Problem("snapshot", "is missing. \(choice)"))
            return .snapshot(id: 0)
        }
        if sent.count > 1 {
            problems += sent.map { Problem($0, "an image is made of one thing. \(choice)") }
        }
        switch first {
        case "snapshot", "compute":
            problems += Self.ofFile.filter(has).map {
                Problem($0, "is of a file, and this image is made of a \(first).")
            }
            let id = idIfSent(first) ?? 0
            return first == "snapshot" ? .snapshot(id: id) : .compute(id: id)
        case "url": return .url(string("url"), imageFile())
        default: return .upload(imageFile(), size: wholeIfSent("size") ?? 1)
        }
    }

    private mutating func imageFile() -> ImageFile {
        let text = stringIfSent("format") ?? ImageFile.Format.qcow2.rawValue
        let format = ImageFile.Format(rawValue: text)
        if format == nil, !problems.contains(where: { $0.field == "format" }) {
            let known = ImageFile.Format.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append(Problem("format", "'\(text.shown)' is not a format. Send one of \(known)."))
        }
        return ImageFile(format ?? .qcow2, sha256: stringIfSent("sha256")?.lowercased())
    }

    private mutating func wholeIfSent(_ name: String) -> Int64? {
        switch members[name] {
        case .integer(let value): return value
        case nil, .null: break
        case .some(let other): problems.append(Problem(name, "is \(other.typeName). Send a whole number."))
        }
        return nil
    }
}
