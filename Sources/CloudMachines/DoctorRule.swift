import CloudCore

/// One rule as `nft list ruleset` prints it, as far as the doctor can read it.
struct DoctorRule: Sendable {
    /// What a rule decides about a packet that it matches.
    enum Verdict: Sendable, Equatable {
        case accept
        case drop
        /// Back to the chain that called this one.
        case end
        /// On in another chain, and then behind this rule.
        case call(String)
        /// On in another chain for good.
        case go(String)
    }

    /// Something that a packet must be.
    private struct Condition: Sendable {
        /// `iifname`, `ip saddr`, `ct state` and so on.
        var selector: String
        var isNegated: Bool
        /// Any of them; `@name` stands for the elements of a set.
        var values: [String]
    }

    private var conditions: [Condition] = []
    private var verdict: Verdict?
    /// Verdicts by values of a selector (`vmap`).
    private var choices: (selector: String, of: [(value: String, verdict: Verdict)])?
    /// A rule for packets of another kind.
    private var isForOthers = false
    /// It has conditions that are not read.
    private var isUncertain = false

    private static let selectors: Set<String> = ["iifname", "oifname", "iif", "oif"]
    private static let groups: Set<String> = ["meta", "ip", "tcp", "udp", "th", "ct", "fib"]
    private static let others: Set<String> = [
        "ip6", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "arp", "vlan",
    ]

    init(_ line: String) {
        var words = DoctorWords(line)
        // What declares the chain, and comments of nft's, are no rules.
        guard !line.hasPrefix("type "), !line.hasPrefix("#") else { return }
        while let word = words.next() {
            switch word {
            case _ where Self.selectors.contains(word): read(word, &words)
            case _ where Self.groups.contains(word): read("\(word) \(words.next() ?? "")", &words)
            case _ where Self.others.contains(word): isForOthers = true
            case "counter": words.skipCounter()
            case "log": words.skipLog()
            case "comment": _ = words.next()
            case "xt": readExtension(&words)
            default: if verdict == nil { readVerdict(word, &words) }
            }
        }
    }

    /// What it decides about the packet; `nil`: nothing, or nobody knows.
    /// - Parameter elements: those of a set of the rule's table.
    func verdict(on packet: DoctorFirewall.Packet, _ elements: (String) -> [String]?) -> Verdict? {
        guard !isForOthers, !isUncertain else { return nil }
        for condition in conditions {
            let match = packet.matches(condition.selector, condition.values, elements)
            guard match == !condition.isNegated else { return nil }
        }
        guard let choices else { return verdict }
        return choices.of.first { packet.matches(choices.selector, [$0.value], elements) == true }?.verdict
    }

    private mutating func read(_ selector: String, _ words: inout DoctorWords) {
        var word = words.next() ?? ""
        let isNegated = word == "!=" || word == "!"
        if isNegated || word == "==" { word = words.next() ?? "" }
        switch word {
        case "set": _ = words.next()  // `meta mark set 1` changes the packet, and asks nothing.
        case "vmap": choices = (selector, words.verdicts())
        case "{": conditions.append(Condition(selector: selector, isNegated: isNegated, values: words.list()))
        case "&", "|", "map", ".": isUncertain = true
        default:
            let values = word.split(separator: ",").map(String.init)
            conditions.append(Condition(selector: selector, isNegated: isNegated, values: values))
        }
    }

    /// iptables' own matches and targets, which nft shows by name alone.
    private mutating func readExtension(_ words: inout DoctorWords) {
        let kind = words.next()
        let name = words.next()
        switch (kind, name) {
        case ("target", "\"REJECT\""): verdict = .drop
        case ("target", _), ("match", "\"comment\""): break
        default: isUncertain = true
        }
    }

    private mutating func readVerdict(_ word: String, _ words: inout DoctorWords) {
        guard let verdict = DoctorWords.verdict(word, &words) else {
            isUncertain = true
            return
        }
        self.verdict = verdict
        if word == "reject" { words.end() }
    }
}

/// The words of a rule, one after the other.
struct DoctorWords: Sendable {
    private var words: ArraySlice<String>

    /// Texts in quotes are one word, with their quotes; a brace is one too.
    init(_ line: String) {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        for character in line {
            if character == "\"" { isQuoted.toggle() }
            if isQuoted || !(character == " " || character == "\t") {
                word.append(character)
            } else if !word.isEmpty {
                words.append(word)
                word = ""
            }
        }
        if !word.isEmpty { words.append(word) }
        self.words = words[...]
    }

    mutating func next() -> String? { words.popFirst() }
    mutating func end() { words = [] }

    /// `packets 1 bytes 2`, or the counter's name in quotes; nothing in a listing without state.
    mutating func skipCounter() {
        if words.first == "packets" {
            words = words.dropFirst(4)
        } else if words.first == "name" {
            words = words.dropFirst(2)
        }
    }

    /// What is logged and how.
    mutating func skipLog() {
        while let word = words.first {
            switch word {
            case "prefix", "level", "group", "snaplen", "queue-threshold": words = words.dropFirst(2)
            case "flags": words = words.dropFirst(["tcp", "ip"].contains(words.dropFirst().first) ? 3 : 2)
            default: return
            }
        }
    }

    /// The rest of `{ a, b }`.
    mutating func list() -> [String] {
        var values: [String] = []
        while let word = next(), word != "}" {
            values.append(word.hasSuffix(",") ? String(word.dropLast()) : word)
        }
        return values
    }

    /// `{ a : accept, b : jump x }`.
    mutating func verdicts() -> [(value: String, verdict: DoctorRule.Verdict)] {
        var choices: [(value: String, verdict: DoctorRule.Verdict)] = []
        guard next() == "{" else { return choices }
        var entry: [String] = []
        while let word = next() {
            let isLast = word == "}" || word.hasSuffix(",")
            if word != "}" { entry.append(word.hasSuffix(",") ? String(word.dropLast()) : word) }
            guard isLast else { continue }
            if entry.count >= 3, entry[1] == ":" {
                var rest = DoctorWords(entry.dropFirst(3).joined(separator: " "))
                if let verdict = Self.verdict(entry[2], &rest) { choices.append((entry[0], verdict)) }
            }
            entry = []
            if word == "}" { break }
        }
        return choices
    }

    static func verdict(_ word: String, _ rest: inout DoctorWords) -> DoctorRule.Verdict? {
        switch word {
        case "accept": .accept
        case "drop", "reject": .drop
        case "return": .end
        case "jump": rest.next().map { .call($0) }
        case "goto": rest.next().map { .go($0) }
        default: nil
        }
    }
}
