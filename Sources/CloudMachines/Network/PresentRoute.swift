import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A line of `ip -4 -json route`.
struct PresentRoute: Sendable, Equatable {
    /// `nil` for the default route.
    var network: IPv4Network?
    var device: String

    /// How many bits of an address it looks at.
    var prefix: Int { network?.prefix ?? 0 }

    /// Throws `.internalServerError` when the text is not what `ip` prints. Routes that lead to no one interface are left
    /// out.
    static func all(json: String) throws -> [PresentRoute] {
        do {
            return try JSONDecoder().decode([Row].self, from: Data(json.utf8)).compactMap(\.route)
        } catch {
            throw CloudError(
                .internalServerError, "The host's routes can't be read. Install iproute2 5.0 or newer.",
                detail: "ip -json route: \(error)")
        }
    }

    func leads(to address: IPv4Address) -> Bool { network?.contains(address) ?? true }

    private struct Row: Decodable {
        var dst: String?
        var dev: String?

        var route: PresentRoute? {
            guard let dst, let dev else { return nil }
            guard dst != "default" else { return PresentRoute(network: nil, device: dev) }
            return (IPv4Network(dst) ?? IPv4Network("\(dst)/32")).map {
                PresentRoute(network: $0, device: dev)
            }
        }
    }
}
