import CloudCore

/// The name servers that a bridged host's guests are told.
public struct Nameservers: Sendable, Equatable {
    public var addresses: [IPv4Address]
    /// The file that they are from; `nil`: public ones, since the host has none that guests reach.
    public var file: String?

    /// As many as resolvers ask (resolver(5), MAXNS).
    public static let limit = 3
    /// Cloudflare's and Quad9's.
    public static let fallback = Nameservers(
        addresses: [IPv4Address(0x0101_0101), IPv4Address(0x0909_0909)], file: nil)

    /// Where a host keeps the servers that it asks. The first may name a resolver on the host itself, which guests don't
    /// reach; then the others have what that one asks (systemd-resolved(8), NetworkManager.conf(5)).
    static let files = [
        "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf",
    ]
    /// Of each file, in bytes.
    static let fileLimit = 16 << 10

    /// - Parameters:
    ///   - own: the host's addresses, which guests don't reach.
    ///   - read: the text of a file; `nil`: there is none.
    static func ofHost(
        privateRange: IPv4Network, own: Set<IPv4Address>, read: (String) -> String?
    ) -> Nameservers {
        for file in files {
            var addresses: [IPv4Address] = []
            for address in servers(read(file) ?? "")
            where reaches(address, privateRange: privateRange) && !own.contains(address) {
                if !addresses.contains(address), addresses.count < limit { addresses.append(address) }
            }
            if !addresses.isEmpty { return Nameservers(addresses: addresses, file: file) }
        }
        return fallback
    }

    /// Whether guests can send there at all (`Ruleset`).
    public static func reaches(_ address: IPv4Address, privateRange: IPv4Network) -> Bool {
        !(NetworkSettings.reservedNetworks + [privateRange]).contains { $0.contains(address) }
    }

    /// The IPv4 addresses of a resolv.conf(5); guests have no IPv6.
    private static func servers(_ text: String) -> [IPv4Address] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            // A comment begins the line, so it has another first word.
            let words = line.split { $0 == " " || $0 == "\t" }
            return words.first == "nameserver" ? words.dropFirst().first.flatMap { IPv4Address($0) } : nil
        }
    }
}

extension BridgedNetwork {
    /// What the host itself asks for names, as far as guests reach it, or public servers. Throws what `Command` throws.
    public func nameservers() async throws -> Nameservers {
        let addresses = try await present().interfaces.flatMap(\.addresses).map(\.address)
        return Nameservers.ofHost(privateRange: settings.privateRange, own: Set(addresses)) {
            MachineFiles.text($0, limit: Nameservers.fileLimit)
        }
    }
}
