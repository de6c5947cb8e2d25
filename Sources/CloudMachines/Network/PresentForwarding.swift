import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which interfaces forward what comes in through them.
struct PresentForwarding: Sendable, Equatable {
    /// By interface. `all` is net.ipv4.ip_forward, and what `default` says holds for an interface when it is made.
    var interfaces: [String: Bool]

    init(interfaces: [String: Bool]) { self.interfaces = interfaces }

    /// Reads what `sysctl` prints for net.ipv4.ip_forward and for settings of interfaces: a line for each that is there.
    init(sysctl: String) {
        interfaces = [:]
        for line in sysctl.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[1] == "=" else { continue }
            let name = words[0].split(separator: ".").dropFirst(3).dropLast().joined(separator: ".")
            interfaces[words[0] == "net.ipv4.ip_forward" ? "all" : name] = words[2] != "0"
        }
    }

    /// Reads what `ip -4 -json netconf` prints, of all interfaces. Throws `.internalServerError` when it is something else.
    init(json: String) throws {
        do {
            let rows = try JSONDecoder().decode([Row].self, from: Data(json.utf8))
            interfaces = Dictionary(
                rows.compactMap { row in row.interface.map { ($0, row.forwarding ?? true) } },
                uniquingKeysWith: { $1 })
        } catch {
            throw CloudError(
                .internalServerError,
                "The host's forwarding can't be read. Install iproute2 5.0 or newer.",
                detail: "ip -json netconf: \(error)")
        }
    }

    /// The settings of the kernel, as sysctl(8) names them, that must become 1 so that the layout's guests are forwarded for.
    func missing(for layout: NetworkLayout) -> [String] {
        guard !layout.taps.isEmpty else { return [] }
        // Turned on, it turns on all the others.
        guard interfaces["all"] == true else { return ["net.ipv4.ip_forward"] }
        return layout.bridges.map(\.name)
            .filter { !(interfaces[$0] ?? interfaces["default"] ?? true) }.map(Self.setting)
    }

    /// Interfaces with a default route that don't forward. They are not ours to change.
    func closed(_ routes: [PresentRoute]) -> [String] {
        guard interfaces["all"] == true else { return [] }
        return Set(routes.filter { $0.network == nil }.map(\.device)).filter { interfaces[$0] == false }
            .sorted()
    }

    static func setting(_ interface: String) -> String { "net.ipv4.conf.\(interface).forwarding" }

    private struct Row: Decodable {
        var interface: String?
        var forwarding: Bool?
    }
}

/// The kernel's table of connections, which all of the host shares.
enum ConnectionTable {
    static let setting = "net.netfilter.nf_conntrack_max"
    /// Room for the host's own connections, beside those of its guests.
    private static let reserve = 65536

    /// How many connections it holds; `nil` while the kernel keeps none.
    static var size: Int? {
        MachineFiles.text("/proc/sys/net/netfilter/nf_conntrack_max", limit: 32)
            .flatMap { Int($0.filter(\.isNumber)) }
    }

    /// The size with which the layout's guests can't fill it, each with all that it may have in both directions.
    static func needed(for layout: NetworkLayout) -> Int {
        layout.taps.count * 2 * layout.guestConnections + reserve
    }

    /// The size to set: a power of two, so that it is not set again for each guest.
    static func roomy(_ needed: Int) -> Int {
        var size = reserve
        while size < needed { size *= 2 }
        return size
    }
}
