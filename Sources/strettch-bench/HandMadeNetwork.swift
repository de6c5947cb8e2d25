import CloudMachines
import CloudWire
import Foundation

/// A bridge with the gateway's address, and a tap on it, like those that the program makes for a guest.
struct HandMadeNetwork: Sendable {
    var tap: String
    /// The gateway with its prefix length, such as 10.0.0.1/22.
    var gateway: String
    var guest: String
    var guestMac: String

    private static let bridge = "bench-br"

    /// Reads what the program made for the compute, and puts the tap of our own into QEMU's arguments. `nil` in user
    /// mode, where QEMU brings its network.
    static func like(
        _ arguments: inout [String], _ compute: ComputeWire, tap: String
    ) async throws -> HandMadeNetwork? {
        guard let guest = compute.privateIpv4 else { return nil }
        guard let backend = arguments.firstIndex(where: { $0.hasPrefix("tap,") }),
            let mac = arguments.compactMap({ option("mac", of: $0) }).first
        else { throw Lab.failure("The guest's QEMU has no tap in its arguments.") }
        arguments[backend] = "tap,id=net,ifname=\(tap),script=no,downscript=no"
        let theirs = "st-t\(compute.id)"
        guard let bridge = try await interfaces(["link", "show", "dev", theirs]).first?.master,
            let address = try await interfaces(["-4", "address", "show", "dev", bridge]).first?.addr_info?
                .first
        else { throw Lab.failure("The tap \(theirs) is on no bridge with an address.") }
        return HandMadeNetwork(
            tap: tap, gateway: "\(address.local)/\(address.prefixlen)", guest: guest, guestMac: mac)
    }

    /// The neighbour is told in advance, so that the first question for the guest's Ethernet address, lost while the
    /// guest boots, costs the by-hand side nothing.
    func make() async throws {
        let bridge = Self.bridge
        try await batch([
            "link add name \(bridge) type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            "address add \(gateway) broadcast + dev \(bridge)", "link set dev \(bridge) up",
            "tuntap add dev \(tap) mode tap", "link set dev \(tap) master \(bridge)",
            "link set dev \(tap) up",
            "neighbour replace \(guest) lladdr \(guestMac) dev \(bridge) nud permanent",
        ])
    }

    func remove() async throws {
        try await batch(["link delete dev \(tap)", "link delete dev \(Self.bridge)"])
    }

    private func batch(_ lines: [String]) async throws {
        try await Command("ip", ["-batch", "-"], input: lines.joined(separator: "\n") + "\n").run()
    }

    private struct Interface: Decodable {
        struct Address: Decodable {
            var local: String
            var prefixlen: Int
        }

        var master: String?
        var addr_info: [Address]?
    }

    private static func interfaces(_ arguments: [String]) async throws -> [Interface] {
        let text = try await Command("ip", ["-json"] + arguments).run().standardOutput
        return try JSONDecoder().decode([Interface].self, from: Data(text.utf8))
    }

    /// The value of one of QEMU's comma-separated options.
    private static func option(_ name: String, of argument: String) -> String? {
        let found = argument.split(separator: ",").first { $0.hasPrefix("\(name)=") }
        return found.map { String($0.dropFirst(name.count + 1)) }
    }
}
