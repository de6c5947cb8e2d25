import CloudCore

/// What other people's packet filters do to a packet, as far as that can be told from their rules.
///
/// A rule of which it can't be told whether it matches is passed over. So what is said to drop the packet does, unless
/// such a rule accepts it before.
struct DoctorFirewall: Sendable {
    /// Rules, sets and maps by `inet filter, chain input`.
    private let listing: RulesetListing
    private let bases: [Base]

    /// A packet on its way past one hook.
    struct Packet: Sendable {
        /// `forward`, `input` and so on.
        var hook: String
        var families = ["ip", "inet"]
        /// Interfaces; one that ends with `*` is each of that beginning, and `nil` unknown.
        var from: String?
        var to: String?
        /// Where the addresses lie; `nil`: unknown.
        var source: IPv4Network?
        var destination: IPv4Network?
        /// `tcp` or `udp`.
        var transport = "tcp"
        /// `nil`: unknown.
        var port: Int?
        /// Of its connection: `new` or `established`.
        var state = "new"
        /// Whether its destination was translated.
        var isTranslated = false
    }

    /// What drops a packet.
    struct Drop: Sendable, Hashable {
        /// With its family: `inet filter`.
        var table: String
        /// The chain that the kernel begins with.
        var chain: String
        var hook: String
        /// `nil`: the chain's policy.
        var rule: String?
    }

    /// A chain that the kernel calls.
    private struct Base {
        var table: String
        var chain: String
        var hook: String
        var drops: Bool
    }

    private enum Outcome {
        case accepted
        case dropped(by: String)
        /// The chain has ended, or a rule has.
        case returned
    }

    /// How deep chains may call chains (nf_tables, NFT_JUMP_STACK_SIZE).
    private static let maxDepth = 16

    /// - Parameter ours: tables that are left out, with their families.
    init(_ listing: RulesetListing, without ours: Set<String>) {
        self.listing = listing
        bases = listing.lines.sorted { $0.key < $1.key }.compactMap { part, lines in
            let names = part.split(separator: ",", maxSplits: 1).map(String.init)
            guard names.count == 2, names[1].hasPrefix(" chain "), !ours.contains(names[0]) else {
                return nil
            }
            let words = lines.first?.split { $0 == " " || $0 == ";" } ?? []
            guard words.count > 3, words[0] == "type", words[1] == "filter", words[2] == "hook" else {
                return nil
            }
            return Base(
                table: names[0], chain: String(names[1].dropFirst(" chain ".count)), hook: String(words[3]),
                drops: words.suffix(2).elementsEqual(["policy", "drop"]))
        }
    }

    /// What drops the packet, of each chain that does.
    func drops(_ packet: Packet) -> [Drop] {
        bases.filter { base in
            base.hook == packet.hook && packet.families.contains { base.table.hasPrefix("\($0) ") }
        }.compactMap { base in
            let drop = Drop(table: base.table, chain: base.chain, hook: base.hook)
            switch follow(base.chain, of: base.table, packet, depth: 0) {
            case .accepted: return nil
            case .dropped(let rule):
                return Drop(table: drop.table, chain: drop.chain, hook: drop.hook, rule: rule)
            case .returned: return base.drops ? drop : nil
            }
        }
    }

    func hasChain(_ chain: String, in table: String) -> Bool {
        listing.lines["\(table), chain \(chain)"] != nil
    }

    private func follow(_ chain: String, of table: String, _ packet: Packet, depth: Int) -> Outcome {
        guard depth < Self.maxDepth else { return .returned }
        for line in listing.lines["\(table), chain \(chain)"] ?? [] {
            let rule = DoctorRule(line)
            switch rule.verdict(on: packet, { elements(of: $0, in: table) }) {
            case nil: continue
            case .accept: return .accepted
            case .drop: return .dropped(by: line)
            case .end: return .returned
            case .go(let next): return follow(next, of: table, packet, depth: depth + 1)
            case .call(let next):
                let outcome = follow(next, of: table, packet, depth: depth + 1)
                if case .returned = outcome { continue }
                return outcome
            }
        }
        return .returned
    }

    /// The elements of a set or map; `nil` when there is none of the name.
    private func elements(of name: String, in table: String) -> [String]? {
        let lines = listing.lines["\(table), set \(name)"] ?? listing.lines["\(table), map \(name)"]
        return lines?.filter { $0.hasPrefix(Self.element) }.map { String($0.dropFirst(Self.element.count)) }
    }

    private static let element = "element "
}
