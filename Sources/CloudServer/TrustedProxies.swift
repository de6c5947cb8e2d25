import CloudCore
import HTTPTypes
import NIOCore

/// The proxies whose word is taken for where a request comes from: the setting `trustedProxies`.
public struct TrustedProxies: Sendable, Equatable, CustomStringConvertible {
    private let blocks: [AddressBlock]
    /// Whether whoever connects over a unix socket is one.
    private let trustsUnixSockets: Bool
    /// The entries, with commas between them.
    public let description: String

    public static let none = TrustedProxies(blocks: [], trustsUnixSockets: false, entries: [])
    /// Entries of `X-Forwarded-For` that are looked at, the last ones: more proxies than anybody has behind each other.
    static let maxHops = 16

    /// Reads comma-separated CIDR blocks and addresses, and `unix` for unix sockets; `nil` when an entry is none.
    public init?(_ text: String) {
        var blocks: [AddressBlock] = []
        var trustsUnixSockets = false
        let entries =
            text.isEmpty
            ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
        for entry in entries {
            if entry == "unix" {
                trustsUnixSockets = true
            } else if let block = AddressBlock(entry) {
                blocks.append(block)
            } else {
                return nil
            }
        }
        self.init(blocks: blocks, trustsUnixSockets: trustsUnixSockets, entries: entries)
    }

    private init(blocks: [AddressBlock], trustsUnixSockets: Bool, entries: [Substring]) {
        self.blocks = blocks
        self.trustsUnixSockets = trustsUnixSockets
        description = entries.joined(separator: ",")
    }

    /// - Parameter address: `nil` for a unix socket.
    func trusts(_ address: NetworkAddress?) -> Bool {
        guard let address else { return trustsUnixSockets }
        return blocks.contains { $0.contains(address) }
    }

    /// Whom a request counts for: the last entry of `X-Forwarded-For` that is no trusted proxy, when a trusted proxy sent it.
    /// What stands before that entry is the client's own word, and so is the whole header when anyone else sends it.
    /// - Parameter sender: who sent the request; `nil` for a unix socket.
    func peer(of fields: HTTPFields, from sender: NetworkAddress?) -> Peer {
        guard trusts(sender), let list = fields[.forwardedFor] else { return sender?.peer ?? .local }
        var client = sender
        for hop in list.split(separator: ",").suffix(Self.maxHops).reversed() {
            // A proxy that does not know its client, or hides it: then the proxy counts.
            guard let address = Self.address(hop.trimmed) else { break }
            client = address
            guard trusts(address) else { break }
        }
        return client?.peer ?? .local
    }

    /// An address as proxies write it: with a port behind it, and IPv6 in brackets then.
    private static func address(_ text: Substring) -> NetworkAddress? {
        if text.first == "[" { return NetworkAddress(text.dropFirst().prefix { $0 != "]" }) }
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        return NetworkAddress(parts.count == 2 ? parts[0] : text)
    }
}

extension Substring {
    /// Without the spaces and tabs at both ends.
    var trimmed: Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let last = lastIndex(where: { !isSpace($0) }) else { return "" }
        return self[...last].drop(while: isSpace)
    }
}
