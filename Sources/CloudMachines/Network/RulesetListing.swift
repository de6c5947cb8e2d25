/// Rules as `nft list table` prints them, taken apart so that each rule and each element of a set can be compared.
struct RulesetListing: Sendable, Equatable {
    /// The lines of each table, chain, set and map, by `inet strettch_st, chain forwarding`. Elements stand one by one.
    private(set) var lines: [String: [String]] = [:]

    init(_ listing: String) {
        var table = ""
        var part = ""
        // What of an `elements = { … }` over several lines is read so far.
        var elements: String?
        for line in listing.split(separator: "\n") {
            let text = String(line.drop { $0 == " " || $0 == "\t" })
            if let begun = elements ?? (text.hasPrefix(Self.elementsBegin) ? "" : nil) {
                let rest = begun + (elements == nil ? String(text.dropFirst(Self.elementsBegin.count)) : text)
                elements = rest.hasSuffix("}") ? nil : rest
                if elements == nil, !isDynamic(part) { lines[part, default: []] += Self.elements(rest) }
            } else if text.hasPrefix("table ") {
                table = Self.name(text)
                part = table
                lines[part] = []
            } else if text.hasSuffix("{") {
                part = "\(table), \(Self.name(text))"
                lines[part] = []
            } else if text != "}" {
                lines[part, default: []].append(text)
            }
        }
    }

    private static let elementsBegin = "elements = {"

    /// Whether the kernel fills the set by itself, so that its elements are nobody's doing.
    private func isDynamic(_ part: String) -> Bool {
        lines[part]?.contains { $0.hasPrefix("flags ") && $0.contains("dynamic") } ?? false
    }

    /// A table, chain or set without what opens it: `table inet x {` is `inet x`.
    private static func name(_ line: String) -> String {
        let words = line.split(separator: " ").filter { $0 != "{" }
        return (words.first == "table" ? words.dropFirst() : words[...]).joined(separator: " ")
    }

    private static func elements(_ text: String) -> [String] {
        text.dropLast().split(separator: ",").map { element in
            "element " + element.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }.sorted()
    }

    /// What differs in these rules, which are loaded, from those that are wanted: a line for each.
    func differences(from wanted: RulesetListing) -> [String] {
        Set(lines.keys).union(wanted.lines.keys).sorted().flatMap { part -> [String] in
            switch (lines[part], wanted.lines[part]) {
            // A table that is not there says so once, and not for each of its parts.
            case (nil, _): return isMissing(part) ? ["nftables: \(part) is not there"] : []
            case (_, nil):
                return wanted.isMissing(part) ? ["nftables: \(part) is there, and is not ours"] : []
            case (let here?, let there?):
                let changes = here.difference(from: there)
                return changes.removals.map { "nftables: \(part) lacks '\($0.text)'" }
                    + changes.insertions.map { "nftables: \(part) has '\($0.text)', which is not ours" }
            }
        }
    }

    /// Whether the part is missing by itself, and not with its whole table.
    private func isMissing(_ part: String) -> Bool {
        guard let table = part.split(separator: ",").first.map(String.init), table != part else {
            return true
        }
        return lines[table] != nil
    }

    /// The text of a ruleset as one line, which is how nft takes a command interactively.
    static func oneLine(_ ruleset: String) -> String {
        var isInElements = false
        return ruleset.split(separator: "\n").map { line -> String in
            let text = String(line.drop { $0 == " " || $0 == "\t" })
            defer {
                if text.hasPrefix(elementsBegin) { isInElements = true }
                if text == "}" { isInElements = false }
            }
            return isInElements && text != "}" || text.hasSuffix("{") ? "\(text) " : "\(text); "
        }.joined()
    }
}

extension CollectionDifference<String>.Change {
    fileprivate var text: String {
        switch self {
        case .insert(_, let element, _), .remove(_, let element, _): element
        }
    }
}
