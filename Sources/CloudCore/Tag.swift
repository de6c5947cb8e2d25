/// Tags that the owner gives to a compute: short, unique, in the order given.
public enum Tag {
    public static let maxCount = 32
    public static let maxLength = 63
    /// Computes of one team that share a tag that begins so never share a host.
    public static let apartPrefix = "apart-"

    /// Those of the tags that keep computes apart.
    public static func apart(_ tags: [String]) -> [String] { tags.filter { $0.hasPrefix(apartPrefix) } }

    /// Every problem of the list, by field.
    public static func problems(_ tags: [String]) -> [Problem] {
        var problems: [Problem] = []
        if tags.count > maxCount {
            problems.append(Problem("tags", "has \(tags.count) tags. Send at most \(maxCount)."))
        }
        var seen: Set<String> = []
        for (index, tag) in tags.enumerated().prefix(maxCount) {
            if !isTag(tag) {
                problems.append(
                    Problem(
                        "tags[\(index)]",
                        "'\(tag.shown)' is no tag. Send 1 to \(maxLength) letters, digits and . _ : / - that begin "
                            + "with a letter or digit."))
            } else if !seen.insert(tag).inserted {
                problems.append(Problem("tags[\(index)]", "'\(tag)' is there twice. Send each tag once."))
            }
        }
        return problems
    }

    private static func isTag(_ tag: String) -> Bool {
        guard let first = tag.utf8.first, tag.utf8.count <= maxLength, HostName.isAlphanumeric(first) else {
            return false
        }
        return tag.utf8.allSatisfy { HostName.isAlphanumeric($0) || "._:/-".utf8.contains($0) }
    }
}
