import CloudCore
import Testing

@testable import CloudMachines

@Suite("Network changes")
struct NetworkChangesTests {
    /// With the address of the metadata service, as with any guest.
    private let loopback = PresentNetwork.Interface(
        name: "lo", isUp: true,
        addresses: [.init(address: IPv4Address(0xa9fe_5354), prefix: 32, label: "lo:st")])

    private func layout(_ attachments: NetworkAttachment...) throws -> NetworkLayout {
        try NetworkLayout(NetworkPlan(attachments: attachments), NetworkSettings())
    }

    private func attachment(publicIpv4: String? = nil) throws -> NetworkAttachment {
        try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: publicIpv4)
    }

    private func lines(_ layout: NetworkLayout, _ interfaces: PresentNetwork.Interface...) throws -> [String]
    {
        try NetworkChanges(from: PresentNetwork(interfaces: [loopback] + interfaces), to: layout).lines
    }

    private let bridge = PresentNetwork.Interface(
        name: "st-br1", isUp: true, mac: "52:54:0a:00:04:01", kind: "bridge",
        addresses: [.init(address: IPv4Address(0x0a00_0401), prefix: 22)])

    private let tap = PresentNetwork.Interface(
        name: "st-t5", isUp: true, master: "st-br1", port: .init(hairpin: true), kind: "tun")

    @Test("on an empty host all is made, the tap last")
    func fresh() throws {
        let host = PresentNetwork(interfaces: [.init(name: "lo", isUp: true)])
        let layout = try layout(attachment(publicIpv4: "203.0.113.5"))
        #expect(
            try NetworkChanges(from: host, to: layout).lines == [
                "link add name st-br1 address 52:54:0a:00:04:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                "address add 10.0.4.1/22 broadcast + dev st-br1",
                "link set dev st-br1 up",
                "address add 203.0.113.5/32 dev lo label lo:st",
                "address add 169.254.83.84/32 dev lo label lo:st scope host",
                "tuntap add dev st-t5 mode tap",
                "link set dev st-t5 master st-br1",
                "neighbour replace 10.0.4.5 lladdr 52:54:0a:00:04:05 dev st-br1 nud permanent",
                "link set dev st-t5 type bridge_slave hairpin on",
                "link set dev st-t5 up",
            ])
    }

    @Test("where all is as it should be, nothing is done")
    func settled() throws {
        #expect(try lines(try layout(attachment()), bridge, tap) == [])
    }

    @Test("a spare tap is made, or taken off its bridge, and leads nowhere")
    func spare() throws {
        let layout = try NetworkLayout(NetworkPlan(attachments: [], spareTaps: [5]), NetworkSettings())
        #expect(
            try lines(layout) == ["tuntap add dev st-t5 mode tap", "address delete 169.254.83.84/32 dev lo"])
        let used = try lines(layout, tap)
        #expect(used.prefix(2) == ["link set dev st-t5 down", "link set dev st-t5 nomaster"])
        let unused = PresentNetwork.Interface(name: "st-t5", isUp: false, kind: "tun")
        #expect(try lines(layout, unused) == ["address delete 169.254.83.84/32 dev lo"])
        #expect(
            try lines(self.layout(attachment()), bridge, unused).prefix(1) == [
                "link set dev st-t5 master st-br1"
            ], "it is what it was made for once its machine has come")
    }

    @Test("the owner of a tap is named when it is made")
    func owner() throws {
        let settings = try NetworkSettings(tapOwner: "strettch")
        let layout = try NetworkLayout(NetworkPlan(attachments: [attachment()]), settings)
        #expect(try lines(layout, bridge).first == "tuntap add dev st-t5 mode tap user strettch")
    }

    @Test("what strayed is put right, and no more than that")
    func strayed() throws {
        var bridge = bridge
        bridge.mac = "02:00:00:00:00:01"
        bridge.addresses.append(.init(address: IPv4Address(0x0a00_0801), prefix: 22))
        var tap = tap
        tap.master = nil
        tap.isUp = false
        #expect(
            try lines(try layout(attachment()), bridge, tap) == [
                "link set dev st-br1 address 52:54:0a:00:04:01",
                "address delete 10.0.8.1/22 dev st-br1",
                "link set dev st-t5 master st-br1",
                "neighbour replace 10.0.4.5 lladdr 52:54:0a:00:04:05 dev st-br1 nud permanent",
                "link set dev st-t5 type bridge_slave hairpin on",
                "link set dev st-t5 up",
            ])
    }

    @Test("with nothing planned, ours goes and other people's stays")
    func empty() throws {
        var loopback = loopback
        loopback.addresses = [
            .init(address: IPv4Address(0xcb00_7105), prefix: 32, label: "lo:st"),
            .init(address: IPv4Address(0xcb00_7106), prefix: 32, label: "lo"),
        ]
        let other = PresentNetwork.Interface(name: "st-brx")
        let present = PresentNetwork(interfaces: [loopback, other, bridge, tap])
        #expect(
            try NetworkChanges(from: present, to: try layout()).lines == [
                "link delete dev st-t5", "link delete dev st-br1", "address delete 203.0.113.5/32 dev lo",
            ])
    }

    @Test("the host's own addresses are never handed to a guest")
    func foreignAddress() throws {
        let uplink = PresentNetwork.Interface(
            name: "eth0", addresses: [.init(address: IPv4Address(0xcb00_7105), prefix: 24)])
        let error = #expect(throws: CloudError.self) {
            try lines(try layout(attachment(publicIpv4: "203.0.113.5")), uplink)
        }
        #expect(error?.code == .conflict)
        #expect(
            error?.message
                == "The public address 203.0.113.5 belongs to the host itself (eth0). Take it out of the public pool."
        )
    }

    @Test("a team's network that the host already lives in is refused")
    func foreignNetwork() throws {
        let uplink = PresentNetwork.Interface(
            name: "eth0", addresses: [.init(address: IPv4Address(0x0a00_0505), prefix: 24)])
        let error = #expect(throws: CloudError.self) { try lines(try layout(attachment()), uplink) }
        #expect(
            error?.message.contains("10.0.5.5 of the host's eth0 lies in a team's network, 10.0.4.0/22")
                == true)
    }

    @Test("a plan that contradicts itself is a bug, found before anything is done")
    func contradictions() throws {
        let first = try attachment(publicIpv4: "203.0.113.5")
        var others = Array(repeating: try NetworkLab.attachment(compute: 6, team: 1), count: 5)
        others[0].computeId = 5
        others[1].privateIpv4 = first.privateIpv4
        others[2].publicIpv4 = first.publicIpv4
        others[3].privateIpv4 = first.network.gateway
        others[4].teamId = 2
        for other in others { #expect(throws: CloudError.self, "\(other)") { try layout(first, other) } }
        #expect(throws: CloudError.self, "two networks of one team") {
            var other = try NetworkLab.attachment(compute: 6, team: 2)
            other.teamId = 1
            _ = try layout(first, other)
        }
        #expect(throws: CloudError.self, "outside of the private range") {
            _ = try NetworkLayout(
                NetworkPlan(attachments: [first]), NetworkSettings(privateRange: "172.16.0.0/12"))
        }
    }

    @Test("the output of ip is understood, and anything else is refused")
    func parsing() throws {
        let text = """
            [{"ifname":"lo","flags":["LOOPBACK","UP"],"address":"00:00:00:00:00:00","addr_info":[
              {"family":"inet","local":"203.0.113.5","prefixlen":32,"label":"lo:st"},
              {"family":"inet6","local":"::1","prefixlen":128}]},{},
             {"ifname":"st-t5","flags":["UP"],"master":"st-br1","address":"52:54:00:00:00:01",
              "linkinfo":{"info_kind":"tun","info_slave_kind":"bridge","info_slave_data":{"hairpin":true}}}]
            """
        let present = try PresentNetwork(json: text)
        #expect(present.interfaces.map(\.name) == ["lo", "st-t5"])
        #expect(
            present.interfaces[0].addresses
                == [.init(address: IPv4Address(0xcb00_7105), prefix: 32, label: "lo:st")])
        #expect(present.interfaces[1].master == "st-br1" && present.interfaces[1].isHairpin)
        #expect(throws: CloudError.self) { try PresentNetwork(json: "Object \"x\" is unknown") }
    }
}
