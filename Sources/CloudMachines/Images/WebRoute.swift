import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How addresses on the web are reached.
enum WebRoute: Sendable {
    /// Whoever names them is trusted: directly, or through the proxy that the environment names.
    case proxies(ProxySettings)
    /// A team names them: directly, and only to addresses that the policy allows.
    case checked(AddressPolicy)

    /// The way to one address.
    struct Way: Sendable {
        enum Kind: Sendable, Hashable {
            case direct
            case proxy(ProxyAddress)
            /// To a host by its name, at an address that was checked: it is not looked up again.
            case pinned(host: String, address: String)
        }

        var url: String
        var kind: Kind
    }

    func way(to url: String) async throws -> Way {
        switch self {
        case .proxies(let proxies):
            Way(url: url, kind: try proxies.proxy(for: url).map { .proxy($0) } ?? .direct)
        case .checked(let policy): try await policy.way(to: url)
        }
    }

    /// An address without its query, which may hold a secret, and its user.
    static func shown(_ url: String) -> String {
        guard var parts = URLComponents(string: url) else { return String(url.prefix { $0 != "?" }).shown }
        (parts.query, parts.user, parts.password, parts.fragment) = (nil, nil, nil, nil)
        return parts.string ?? "the address"
    }
}
