import CloudControl
import CloudCore
import CloudWire

extension ComputeRequest {
    /// Reads the members of a create's body, in the slug dialect or the older one with `specificationId`
    /// (API reference, "Create request"). Unknown members are ignored. Throws `VALIDATION_ERROR` with every member
    /// that is missing or of another type, together with what is wrong with the values that could be read.
    init(members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        let older = fields.has("specificationId", insteadOf: "specification")
        let hostName = fields.string("hostName")
        let (image, snapshotId) = fields.source()
        self.init(
            hostName: hostName, image: image, snapshotId: snapshotId, region: fields.string("region"),
            specification: fields.string(older ? "specificationId" : "specification"),
            publicKeys: fields.strings("publicKeys", required: true),
            tags: fields.strings("tags", required: false),
            withPublicIp: fields.boolIfSent("withPublicIp") ?? false,
            userData: fields.stringIfSent("userData"),
            deletionProtection: fields.boolIfSent("deletionProtection") ?? false)
        try fields.end(problems(strictKeys: false))
    }
}

extension ComputeUpdate {
    /// Reads the members of an update's body; those that are absent stay as they are. Throws `VALIDATION_ERROR`.
    init(members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        self.init(
            hostName: fields.stringIfSent("hostName"), tags: fields.stringsIfSent("tags"),
            deletionProtection: fields.boolIfSent("deletionProtection"))
        try fields.end(self == ComputeUpdate() ? [] : problems)
        let problems = problems
        if !problems.isEmpty { throw CloudError.invalid(problems) }
    }
}

extension ChangeCompute.Change {
    /// Reads an upsize's body, `newSpecification` or the older dialect's `newSpecificationId`. Throws
    /// `VALIDATION_ERROR`.
    init(upsizeMembers members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        let older = fields.has("newSpecificationId", insteadOf: "newSpecification")
        self = .upsize(to: fields.string(older ? "newSpecificationId" : "newSpecification"))
        try fields.end([])
    }
}

/// Reads members one by one and collects what is wrong with their types. `null` for a member that need not be there is as
/// if it were not.
struct Fields {
    /// Elements of one list whose types are reported. A list that is longer is refused for its length.
    static let maxReported = max(SSHPublicKey.maxCount, Tag.maxCount)

    let members: [String: JSONValue]
    var problems: [Problem] = []

    init(_ members: [String: JSONValue]) { self.members = members }

    /// What a create's disk is made of: the slug of an image, or the id of a snapshot and no slug. Both are a problem of both,
    /// and neither is one of the image.
    fileprivate mutating func source() -> (image: String, snapshotId: Int64?) {
        switch (has("image"), has("snapshot")) {
        case (true, false): return (string("image"), nil)
        case (false, true): return ("", idIfSent("snapshot"))
        case (true, true):
            let what = "a disk is made of an image or of a snapshot. Send one of image and snapshot."
            problems += [Problem("image", what), Problem("snapshot", what)]
        case (false, false):
            let fault = members["image"] == nil ? "is missing" : "is null"
            problems.append(
                Problem(
                    "image", "\(fault). Send an image's slug, or in its place a snapshot's id as snapshot."))
        }
        return ("", nil)
    }

    /// Whether the member is there, and not as `null`.
    func has(_ name: String) -> Bool {
        switch members[name] {
        case nil, .null: false
        default: true
        }
    }

    /// Whether the member is there, and not the other one; with both as `null`, the other one is meant.
    func has(_ name: String, insteadOf other: String) -> Bool {
        guard !has(other) else { return false }
        return has(name) || members[other] == nil && members[name] != nil
    }

    mutating func string(_ name: String) -> String {
        switch members[name] {
        case .string(let value): return value
        case nil: problems.append(Problem(name, "is missing. Send a string."))
        case .some(let other): problems.append(Problem(name, "is \(other.typeName). Send a string."))
        }
        return ""
    }

    mutating func stringIfSent(_ name: String) -> String? { has(name) ? string(name) : nil }

    mutating func strings(_ name: String, required: Bool) -> [String] {
        if let values = stringsIfSent(name) { return values }
        if required {
            let fault = members[name].map { "is \($0.typeName)" } ?? "is missing"
            problems.append(Problem(name, "\(fault). Send an array of strings."))
        }
        return []
    }

    mutating func stringsIfSent(_ name: String) -> [String]? {
        switch members[name] {
        case .array(let values): return values.enumerated().map { element(name, $0, $1) }
        case nil, .null: return nil
        case .some(let other):
            problems.append(Problem(name, "is \(other.typeName). Send an array of strings."))
            return []
        }
    }

    private mutating func element(_ name: String, _ index: Int, _ value: JSONValue) -> String {
        if case .string(let text) = value { return text }
        guard index < Self.maxReported else { return "" }
        problems.append(Problem("\(name)[\(index)]", "is \(value.typeName). Send a string."))
        return ""
    }

    mutating func boolIfSent(_ name: String) -> Bool? {
        switch members[name] {
        case .bool(let value): return value
        case nil, .null: break
        case .some(let other): problems.append(Problem(name, "is \(other.typeName). Send true or false."))
        }
        return nil
    }

    /// Throws what is wrong with the types, if anything is, together with those of `others` that are about values that could
    /// be read.
    /// A value that could not be read was replaced by an empty one, whose problems are none of the client's.
    func end(_ others: @autoclosure () -> [Problem]) throws(CloudError) {
        guard !problems.isEmpty else { return }
        let unread = Set(problems.map(\.field))
        let read = others().filter {
            !unread.contains($0.field) && !unread.contains(String($0.field.prefix { $0 != "[" }))
        }
        throw CloudError.invalid(problems + read)
    }
}
