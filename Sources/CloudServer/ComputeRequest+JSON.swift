import CloudCore

extension ComputeRequest {
    /// Reads the members of a create's body, in the slug dialect or the older one with `specificationId`
    /// (API reference, "Create request"). Unknown members are ignored. Throws `VALIDATION_ERROR` with every member
    /// that is missing or of another type, together with what is wrong with the values that could be read.
    init(members: [String: BodyValue]) throws(CloudError) {
        var fields = Fields(members)
        let older = members["specification"] == nil && members["specificationId"] != nil
        self.init(
            hostName: fields.string("hostName"), image: fields.string("image"),
            region: fields.string("region"),
            specification: fields.string(older ? "specificationId" : "specification"),
            publicKeys: fields.strings("publicKeys", required: true),
            tags: fields.strings("tags", required: false),
            withPublicIp: fields.bool("withPublicIp"))
        guard !fields.problems.isEmpty else { return }
        let unread = Set(fields.problems.map(\.field))
        // A value that could not be read was replaced by an empty one, whose problems are none of the client's.
        let others = problems(strictKeys: false).filter {
            !unread.contains($0.field) && !unread.contains(String($0.field.prefix { $0 != "[" }))
        }
        throw CloudError.invalid(fields.problems + others)
    }
}

/// Reads members one by one and collects what is wrong with their types.
struct Fields {
    /// Elements of one list whose types are reported. A list that is longer is refused for its length.
    static let maxReported = max(SSHPublicKey.maxCount, Tag.maxCount)

    let members: [String: BodyValue]
    var problems: [Problem] = []

    init(_ members: [String: BodyValue]) { self.members = members }

    mutating func string(_ name: String) -> String {
        switch members[name] {
        case .string(let value): return value
        case nil: problems.append(Problem(name, "is missing. Send a string."))
        case .some(let other): problems.append(Problem(name, "is \(other.typeName). Send a string."))
        }
        return ""
    }

    mutating func strings(_ name: String, required: Bool) -> [String] {
        switch members[name] {
        case .array(let values): return values.enumerated().map { element(name, $0, $1) }
        case nil where !required: break
        case nil: problems.append(Problem(name, "is missing. Send an array of strings."))
        case .some(let other):
            problems.append(Problem(name, "is \(other.typeName). Send an array of strings."))
        }
        return []
    }

    private mutating func element(_ name: String, _ index: Int, _ value: BodyValue) -> String {
        if case .string(let text) = value { return text }
        guard index < Self.maxReported else { return "" }
        problems.append(Problem("\(name)[\(index)]", "is \(value.typeName). Send a string."))
        return ""
    }

    mutating func bool(_ name: String) -> Bool {
        switch members[name] {
        case .bool(let value): return value
        case nil: break
        case .some(let other): problems.append(Problem(name, "is \(other.typeName). Send true or false."))
        }
        return false
    }
}
