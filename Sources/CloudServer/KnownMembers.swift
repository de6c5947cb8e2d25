import CloudCore
import CloudWire

/// The members of a body that mean something to its endpoint, in canonical JSON: what makes two requests with one
/// Idempotency-Key the same. Unknown members are ignored, so they make no difference. Neither does a member that is null, which
/// stands for an absent one, or the older dialect's name beside the newer one.
enum KnownMembers {
    private static let create: Set = [
        "hostName", "image", "region", "specification", "specificationId", "publicKeys", "tags",
        "withPublicIp", "userData", "deletionProtection", "snapshot",
    ]
    private static let update: Set = ["hostName", "tags", "deletionProtection"]
    private static let upsize: Set = ["newSpecification", "newSpecificationId"]
    private static let restore: Set = ["snapshot"]
    private static let snapshot: Set = ["name", "deletionProtection"]
    private static let image: Set = [
        "slug", "name", "snapshot", "compute", "url", "format", "size", "sha256", "deletionProtection",
    ]
    private static let key: Set = ["name", "role"]

    static func ofCreate(_ members: [String: JSONValue]) throws -> [String: String] {
        try known(create, in: members, newer: "specification", older: "specificationId")
    }

    static func ofUpdate(_ members: [String: JSONValue]) throws -> [String: String] {
        try known(update, in: members)
    }

    static func ofUpsize(_ members: [String: JSONValue]) throws -> [String: String] {
        try known(upsize, in: members, newer: "newSpecification", older: "newSpecificationId")
    }

    static func ofRestore(_ members: [String: JSONValue]) throws -> [String: String] {
        try known(restore, in: members)
    }

    /// Of its creation, and of a change of it.
    static func ofSnapshot(_ members: [String: JSONValue]) throws -> [String: String] {
        try known(snapshot, in: members)
    }

    static func ofImage(_ members: [String: JSONValue]) throws -> [String: String] {
        try known(image, in: members)
    }

    static func ofKey(_ members: [String: JSONValue]) throws -> [String: String] {
        try known(key, in: members)
    }

    /// What of a create's members is ignored and looks misspelt, for the envelope's `warnings`.
    static func misspeltOfCreate(_ members: [String: JSONValue]) -> [String] {
        misspelt(create, in: members)
    }

    static func misspeltOfUpdate(_ members: [String: JSONValue]) -> [String] {
        misspelt(update, in: members)
    }

    /// Unknown members that are looked at, the first by name: it takes time, and a body may have thousands.
    static let maxMisspelt = 16

    private static func misspelt(_ names: Set<String>, in members: [String: JSONValue]) -> [String] {
        let known = names.sorted()
        return members.keys.filter { !names.contains($0) }.sorted().prefix(maxMisspelt).compactMap { name in
            let question = NearestName.question(name, among: known)
            return question.isEmpty ? nil : "'\(name.shown)' is not a member, and was ignored.\(question)"
        }
    }

    private static func known(
        _ names: Set<String>, in members: [String: JSONValue], newer: String? = nil, older: String? = nil
    ) throws -> [String: String] {
        var known = [String: String](minimumCapacity: members.count)
        for (name, value) in members where value != .null && names.contains(name) {
            known[name] = try value.canonical()
        }
        if let newer, let older, known[newer] != nil { known[older] = nil }
        return known
    }
}
