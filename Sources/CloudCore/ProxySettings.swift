import FoundationEssentials

/// An HTTP proxy, which connections are made through by CONNECT (RFC 9110, section 9.3.6).
public struct ProxyAddress: Sendable, Hashable, CustomStringConvertible {
    public var host: String
    public var port: Int
    /// What the proxy asks for, if it does.
    public var login: Login?

    public struct Login: Sendable, Hashable {
        public var user: String
        public var password: String

        public init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// Without the login, which is a secret.
    public var description: String { "\(host):\(port)" }
}

/// Which proxy a request goes through, as the environment says: `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, in
/// either case, lower case first.
public struct ProxySettings: Sendable {
    private let environment: [String: String]

    /// The port of a proxy that names none.
    private static let defaultPort = 80
    /// Entries at most of `no_proxy` that are read.
    private static let maxExceptions = 1000

    public init(environment: [String: String]) { self.environment = environment }

    /// The proxy for the address; `nil`: none, which goes for this machine's own addresses whatever is set. Throws
    /// `VALIDATION_ERROR` that names the variable when its proxy can't be used.
    public func proxy(for url: String) throws(CloudError) -> ProxyAddress? {
        guard let url = URL(string: url), let scheme = url.scheme?.lowercased(), let host = Self.host(of: url)
        else { return nil }
        let names: [String]
        switch scheme {
        case "https": names = ["https_proxy", "HTTPS_PROXY"]
        // A CGI program gets HTTP_PROXY from whoever sends it a header `Proxy` (CVE-2016-5385).
        case "http": names = ["http_proxy"] + (environment["REQUEST_METHOD"] == nil ? ["HTTP_PROXY"] : [])
        default: return nil
        }
        let found = (names + ["all_proxy", "ALL_PROXY"]).first { environment[$0]?.isEmpty == false }
        guard let name = found, let text = environment[name] else { return nil }
        guard !Self.isLoopback(host), !isExcepted(host, port: url.port ?? (scheme == "https" ? 443 : 80))
        else {
            return nil
        }
        return try Self.address(text, name)
    }

    /// Whether the host is this machine: `localhost`, and the addresses that never leave it.
    public static func isLoopback(_ host: String) -> Bool {
        let host = plain(host)
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" { return true }
        return IPv4Address(host).map { IPv4Network("127.0.0.0/8")?.contains($0) == true } ?? false
    }

    /// The value is not told in errors: it may hold a password.
    private static func address(_ text: String, _ name: String) throws(CloudError) -> ProxyAddress {
        guard let url = URL(string: text.contains("://") ? text : "http://\(text)"),
            url.scheme?.lowercased() == "http", let host = host(of: url),
            let port = Optional(url.port ?? defaultPort), (1...65535).contains(port)
        else {
            throw CloudError.invalid([
                Problem(
                    name,
                    "is not a proxy that can be used. Give http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, or unset it."
                )
            ])
        }
        let login = url.user(percentEncoded: false).map {
            ProxyAddress.Login(user: $0, password: url.password(percentEncoded: false) ?? "")
        }
        return ProxyAddress(host: host, port: port, login: login)
    }

    private func isExcepted(_ host: String, port: Int) -> Bool {
        let list = ["no_proxy", "NO_PROXY"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let host = Self.plain(host)
        return list.split { $0 == "," || $0.isWhitespace }.prefix(Self.maxExceptions).contains {
            Self.matches($0.lowercased(), host, port)
        }
    }

    /// An entry is `*`, a name (with all below it), an address or a block of addresses; a port may follow.
    private static func matches(_ entry: String, _ host: String, _ port: Int) -> Bool {
        if entry == "*" { return true }
        if let block = IPv4Network(entry), let address = IPv4Address(host) { return block.contains(address) }
        var name = entry[...]
        if let colon = entry.lastIndex(of: ":"), let wanted = Int(entry[entry.index(after: colon)...]),
            entry.hasPrefix("[") ? entry[..<colon].hasSuffix("]") : entry.firstIndex(of: ":") == colon
        {
            guard wanted == port else { return false }
            name = entry[..<colon]
        }
        if name.hasPrefix("*.") { name = name.dropFirst() }
        if name.hasPrefix(".") { name = name.dropFirst() }
        let wanted = plain(String(name))
        guard !wanted.isEmpty else { return false }
        // What an address ends with names nothing.
        return host == wanted || (IPv4Address(host) == nil && host.hasSuffix(".\(wanted)"))
    }

    /// `nil` where there is none.
    private static func host(of url: URL) -> String? {
        guard let host = url.host(percentEncoded: false), !host.isEmpty else { return nil }
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    }

    /// As hosts are compared: lower case, without the brackets of an address and the dot of the root.
    private static func plain(_ host: String) -> String {
        var host = host.lowercased()[...]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        if host.hasSuffix(".") { host = host.dropLast() }
        return String(host)
    }
}
