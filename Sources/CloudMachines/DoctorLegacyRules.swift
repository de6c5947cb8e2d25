/// The rules of the legacy iptables, which nft does not list.
enum DoctorLegacyRules: Sendable, Equatable {
    /// It is not in use.
    case none
    /// It is in use, and nothing is here that lists its rules.
    case unknown
    /// What `iptables-legacy-save -t filter` prints.
    case listed(String)

    /// Where `listing` puts the rules.
    static let table = "ip legacy"

    /// The rules as nft would list them, as far as they are understood; empty when there are none to read.
    var listing: String {
        guard case .listed(let text) = self else { return "" }
        var chains: [(name: String, lines: [String])] = []
        for line in text.split(separator: "\n").map(String.init) {
            var words = DoctorWords(line)
            switch words.next() {
            case let word? where word.hasPrefix(":"):
                let name = String(word.dropFirst())
                let policy = (words.next() ?? "-").lowercased()
                let hook = ["INPUT", "FORWARD", "OUTPUT"].contains(name) ? name.lowercased() : nil
                let head = hook.map { ["type filter hook \($0) priority filter; policy \(policy);"] } ?? []
                chains.append((name, head))
            case "-A":
                let chain = words.next()
                guard let index = chains.firstIndex(where: { $0.name == chain }) else { continue }
                chains[index].lines.append(Self.rule(&words))
            default: continue
            }
        }
        return "table \(Self.table) {\n"
            + chains.map { "chain \($0.name) {\n\($0.lines.map { "\($0)\n" }.joined())}\n" }.joined() + "}\n"
    }

    private static func rule(_ words: inout DoctorWords) -> String {
        var parts: [String] = []
        var operation = ""
        while let word = words.next() {
            if word == "!" {
                operation = "!= "
                continue
            }
            parts += part(word, operation, &words)
            operation = ""
        }
        return parts.joined(separator: " ")
    }

    /// What nft says for an option; for one that is not known a word that no rule of nft has.
    private static func part(_ option: String, _ operation: String, _ words: inout DoctorWords) -> [String] {
        func asked(_ selector: String, _ value: String?) -> [String] {
            ["\(selector) \(operation)\(value ?? "")"]
        }
        func interface(_ name: String?) -> String {
            let name = name ?? ""
            return name.hasSuffix("+") ? "\"\(name.dropLast())*\"" : "\"\(name)\""
        }
        switch option {
        case "-i": return asked("iifname", interface(words.next()))
        case "-o": return asked("oifname", interface(words.next()))
        case "-s": return asked("ip saddr", words.next())
        case "-d": return asked("ip daddr", words.next())
        case "-p": return asked("meta l4proto", words.next())
        case "--dport": return asked("th dport", words.next()?.replacing(":", with: "-"))
        case "--ctstate", "--state": return asked("ct state", words.next()?.lowercased())
        case "--ctstatus": return asked("ct status", words.next()?.lowercased())
        case "--comment", "--reject-with", "--log-prefix", "--log-level":
            _ = words.next()
            return []
        case "-m":
            let known = ["conntrack", "state", "tcp", "udp", "comment"].contains(words.next() ?? "")
            return known ? [] : ["?"]
        case "-g": return ["goto \(words.next() ?? "")"]
        case "-j": return target(words.next() ?? "")
        default: return ["?"]
        }
    }

    private static func target(_ name: String) -> [String] {
        switch name {
        case "ACCEPT", "DROP", "RETURN": [name.lowercased()]
        case "REJECT": ["reject"]
        case "LOG", "NFLOG", "MARK", "CONNMARK", "TCPMSS": []
        default: ["jump \(name)"]
        }
    }
}
