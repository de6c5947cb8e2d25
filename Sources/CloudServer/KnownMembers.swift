import CloudWire

/// The members of a body that mean something to its endpoint: what makes two requests with one Idempotency-Key the same.
/// Unknown members are ignored, so they make no difference. Neither does a member that is null, which stands for an absent
/// one, or the older dialect's name beside the newer one.
enum KnownMembers {
    static func ofCreate(_ members: [String: JSONValue]) -> [String: JSONValue] {
        known(
            [
                "hostName", "image", "region", "specification", "specificationId", "publicKeys", "tags",
                "withPublicIp", "userData", "deletionProtection",
            ], in: members, newer: "specification", older: "specificationId")
    }

    static func ofUpdate(_ members: [String: JSONValue]) -> [String: JSONValue] {
        known(["hostName", "tags", "deletionProtection"], in: members)
    }

    static func ofUpsize(_ members: [String: JSONValue]) -> [String: JSONValue] {
        known(
            ["newSpecification", "newSpecificationId"], in: members, newer: "newSpecification",
            older: "newSpecificationId")
    }

    private static func known(
        _ names: Set<String>, in members: [String: JSONValue], newer: String? = nil, older: String? = nil
    ) -> [String: JSONValue] {
        var known = members.filter { names.contains($0.key) && $0.value != .null }
        if let newer, let older, known[newer] != nil { known[older] = nil }
        return known
    }
}
