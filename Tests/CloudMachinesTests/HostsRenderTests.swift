import CloudCore
import Testing

@testable import CloudMachines

/// What is decided for a network over many hosts, without a kernel.
@Suite("What many hosts are told")
struct HostsRenderTests {
    private func settings() throws -> NetworkSettings { try NetworkSettings(underlay: "192.168.77.1") }

    private func remote(_ compute: Int64, team: UInt32 = 1, host: Int = 1) throws -> RemoteAttachment {
        try HostsLab.remote(try NetworkLab.attachment(compute: compute, team: team), on: host)
    }

    private func layout(
        _ attachments: [NetworkAttachment], _ remotes: [RemoteAttachment], _ settings: NetworkSettings? = nil
    ) throws -> NetworkLayout {
        try NetworkLayout(
            NetworkPlan(attachments: attachments, remotes: remotes), settings ?? self.settings())
    }

    private func local(publicIpv4: String? = nil) throws -> NetworkAttachment {
        try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: publicIpv4)
    }

    @Test("the ruleset of a host alone, with these rules behind it")
    func golden() throws {
        let alone = Ruleset.render(try layout([local()], [], NetworkSettings()))
        let text = Ruleset.render(try layout([local()], [remote(9, host: 2), remote(6)]))
        #expect(alone.hasSuffix(RulesetGolden.limits))
        let common = alone.dropLast(RulesetGolden.limits.count) + HostsGolden.tunnels
        #expect(text.hasPrefix(common) && text.hasSuffix(RulesetGolden.moves))
    }

    @Test("on an empty host all is made, the tunnel before the tap, and its rows last")
    func fresh() throws {
        let layout = try layout([local(publicIpv4: "203.0.113.5")], [remote(6)])
        let changes = try NetworkChanges(from: PresentNetwork(interfaces: []), to: layout)
        #expect(
            changes.lines == [
                "link add name st-br1 address 52:54:0a:00:04:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                "link set dev st-br1 mtu 1450",
                "address add 10.0.4.1/22 broadcast + dev st-br1",
                "link set dev st-br1 up",
                "link add name st-vx1 mtu 1450 type vxlan id 1 local 192.168.77.1 dstport 4789 nolearning",
                "link set dev st-vx1 addrgenmode none",
                "link set dev st-vx1 master st-br1",
                "link set dev st-vx1 type bridge_slave hairpin off learning off flood off mcast_flood off "
                    + "bcast_flood off neigh_suppress on",
                "link set dev st-vx1 up",
                "neighbour replace 10.0.4.6 lladdr 52:54:0a:00:04:06 dev st-br1 nud permanent",
                "address add 203.0.113.5/32 dev lo label lo:st",
                "address add 169.254.83.84/32 dev lo label lo:st scope host",
                "tuntap add dev st-t5 mode tap",
                "link set dev st-t5 master st-br1",
                "neighbour replace 10.0.4.5 lladdr 52:54:0a:00:04:05 dev st-br1 nud permanent",
                "link set dev st-t5 type bridge_slave hairpin on",
                "link set dev st-t5 up",
            ])
        #expect(
            changes.forwarding == [
                "fdb replace 52:54:0a:00:04:06 dev st-vx1 dst 192.168.77.2 self permanent",
                "fdb replace 52:54:0a:00:04:06 dev st-vx1 master static",
            ])
        #expect(changes.announced.map(\.description) == ["203.0.113.5"])
    }

    @Test("a compute that has moved is one row that changes, and one that has gone two that go")
    func rows() throws {
        let device = PresentNetwork.Interface(
            name: "st-vx1", isUp: true, master: "st-br1", mac: "02:00:00:00:00:01",
            port: .init(
                hairpin: false, learning: false, flood: false, mcast_flood: false, bcast_flood: false,
                neigh_suppress: true),
            kind: "vxlan", mtu: 1450,
            tunnel: .init(id: 1, local: "192.168.77.1", port: 4789, learning: false))
        var present = PresentNetwork(interfaces: [device])
        try present.readTunnels(
            neighbours: "[]",
            forwarding: """
                [{"mac":"02:00:00:00:00:01","ifname":"st-vx1","flags":[],"master":"st-br1","state":"permanent"},
                 {"mac":"52:54:0a:00:04:06","ifname":"st-vx1","flags":[],"master":"st-br1","state":"static"},
                 {"mac":"52:54:0a:00:04:06","ifname":"st-vx1","dst":"192.168.77.2","flags":["self"]},
                 {"mac":"52:54:0a:00:04:07","ifname":"st-vx1","flags":[],"master":"st-br1","state":"static"},
                 {"mac":"52:54:0a:00:04:07","ifname":"st-vx1","dst":"192.168.77.2","flags":["self"]},
                 {"mac":"33:33:00:00:00:01","ifname":"eth0","flags":["self"],"state":"permanent"}]
                """)
        let changes = try NetworkChanges(from: present, to: try layout([local()], [remote(6, host: 2)]))
        #expect(
            changes.forwarding == [
                "fdb delete 52:54:0a:00:04:07 dev st-vx1 dst 192.168.77.2 self",
                "fdb delete 52:54:0a:00:04:07 dev st-vx1 master",
                "fdb replace 52:54:0a:00:04:06 dev st-vx1 dst 192.168.77.3 self permanent",
            ])
        #expect(!changes.lines.contains { $0.contains("st-vx1") })
    }

    @Test("teammates are nothing to a host that is alone, nor others to one without their team")
    func nobody() throws {
        #expect(try layout([local()], [remote(6)], NetworkSettings()).tunnels == [])
        #expect(try layout([local()], [remote(7, team: 2)]).tunnels == [])
        #expect(try layout([], [remote(6)]).tunnels == [])
        #expect(
            try Ruleset.render(layout([], [remote(6)])) == Ruleset.render(layout([], [], NetworkSettings())))
    }

    @Test(
        "a plan that contradicts itself, or that VXLAN has no number for, is a bug found before anything is done"
    )
    func contradictions() throws {
        let here = try local()
        var wrong = Array(repeating: try remote(6), count: 5)
        wrong[0].privateIpv4 = here.privateIpv4
        wrong[1].privateIpv4 = here.network.gateway
        wrong[2].network = try #require(IPv4Network("10.0.8.0/22"))
        wrong[3].underlay = IPv4Address(0xC0A8_4D01)  // 192.168.77.1, the host's own
        wrong[4].underlay = IPv4Address(0x0A01_0101)  // 10.1.1.1, a guest's
        for other in wrong { #expect(throws: CloudError.self, "\(other)") { try layout([here], [other]) } }
        #expect(throws: CloudError.self, "twice") { try layout([here], [remote(6), remote(6, host: 2)]) }

        var (last, mate) = (here, try remote(6))
        (last.teamId, mate.teamId) = (0xFF_FFFF, 0xFF_FFFF)
        #expect(try layout([last], [mate]).tunnels.map(\.name) == ["st-vx16777215"])
        (last.teamId, mate.teamId) = (0x100_0000, 0x100_0000)
        let error = #expect(throws: CloudError.self) { try layout([last], [mate]) }
        #expect(error?.detail?.contains("team 16777216 can't have computes on several hosts") == true)
    }

    @Test("an address is announced where the most exact route to it leads, and not on our own bridges")
    func announcements() throws {
        let routes = try PresentRoute.all(
            json: """
                [{"dst":"default","gateway":"192.0.2.1","dev":"eth0"},{"dst":"203.0.113.0/24","dev":"eth1"},
                 {"dst":"203.0.113.0/24","dev":"wg0"},{"dst":"10.0.4.0/22","dev":"st-br1"},
                 {"dst":"198.51.100.0/24","dev":"eth9"},{"dst":"blackhole"}]
                """)
        let present = PresentNetwork(interfaces: [
            .init(name: "eth0", isUp: true, mac: "02:00:00:00:00:01"),
            .init(name: "eth1", isUp: true, mac: "02:00:00:00:00:02"),
            .init(name: "wg0", isUp: true), .init(name: "eth9", mac: "02:00:00:00:00:03"),
            .init(name: "st-br1", isUp: true, mac: "52:54:0a:00:04:01"),
        ])
        let addresses = ["203.0.113.5", "195.15.0.9", "198.51.100.7", "10.0.4.5"].compactMap {
            IPv4Address($0)
        }
        let all = AddressAnnouncement.all(of: addresses, present, routes, NetworkNames(prefix: "st"))
        #expect(
            all.map { "\($0.address) \($0.interface)" } == [
                "203.0.113.5 eth1", "195.15.0.9 eth0", "10.0.4.5 eth0",
            ])
        let frames = try #require(all.first).frames
        #expect(
            frames.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() } == [
                "ffffffffffff02000000000208060001080006040001020000000002cb007105000000000000cb007105",
                "ffffffffffff02000000000208060001080006040002020000000002cb007105020000000002cb007105",
            ])
    }

    @Test("the underlay's settings are checked, and give what guests may send")
    func underlay() throws {
        func fields(_ underlay: String, port: Int = 4789, mtu: Int = 1500) -> [String] {
            do {
                _ = try NetworkSettings(underlay: underlay, vxlanPort: port, underlayMtu: mtu)
                return []
            } catch let error as CloudError {
                return error.problems.map(\.field)
            } catch {
                return ["\(error)"]
            }
        }
        #expect(fields("192.168.77.1") == [])
        for wrong in ["x", "", "192.168.77.1/24", "10.1.2.3", "203.0.113.9", "127.0.0.1", "224.0.0.1"] {
            #expect(fields(wrong) == ["underlay"], "\(wrong)")
        }
        #expect(fields("192.168.77.1", port: 0, mtu: 1279) == ["vxlanPort", "underlayMtu"])
        #expect(fields("192.168.77.1", port: 65536, mtu: 9217) == ["vxlanPort", "underlayMtu"])
        #expect(try NetworkSettings().guestMtu == nil)
        #expect(try settings().guestMtu == 1450)
        #expect(try NetworkSettings(underlay: "192.168.77.1", underlayMtu: 1420).guestMtu == 1370)
        #expect(try NetworkSettings(underlay: "192.168.77.1", underlayMtu: 9000).guestMtu == 1500)
    }

    @Test("guests are told what they may send, by their seed and by their network card")
    func guestMtu() throws {
        let machine = try QEMUFixture.machine()
        let seed = MachineSeed(machine, networkMode: .bridged, nameservers: [], mtu: 1450)
        #expect(
            seed.networkConfig.contains(
                "52:54:0a:00:00:05\"\n    mtu: 1450\n    addresses:\n      - 10.0.0.5/22"))
        func card(_ mtu: Int?) throws -> Bool {
            try QEMUArguments(
                machine: machine, image: ReadyImage(disk: "/base"),
                directory: MachineDirectory(data: "/data", id: 5),
                uuid: MachineUUID(installation: "t", id: 5),
                accelerator: .tcg, networkMode: .bridged, mtu: mtu
            ).vector.contains("virtio-net-pci,netdev=net,mac=52:54:0a:00:00:05,host_mtu=1450,romfile=")
        }
        #expect(try card(1450))
        #expect(try !card(nil))
    }

    @Test("the doctor looks for the underlay's address, its MTU, and who else has its port")
    func doctor() throws {
        let judge = DoctorNetwork(settings: try settings())
        func finding(_ address: String, flags: String = "\"UP\"", mtu: Int = 1500, others: String = "") throws
            -> DoctorFinding
        {
            try #require(
                try judge.underlay(
                    addresses: """
                        [{"ifname":"eth1","flags":[\(flags)],"mtu":\(mtu),"addr_info":[
                            {"family":"inet","local":"\(address)","prefixlen":24,"label":"eth1"}]}\(others)]
                        """
                ).first)
        }
        #expect(try finding("192.168.77.1").status == .ok)
        #expect(try finding("192.168.77.1").meaning.contains("at most 1450 bytes"))
        #expect(try finding("192.168.77.7").status == .failed)
        #expect(try finding("192.168.77.1", flags: "").remedy == "ip link set dev eth1 up")
        #expect(try finding("192.168.77.1", mtu: 1420).remedy?.contains("underlayMtu to 1420") == true)
        func tunnel(_ name: String) -> String {
            #",{"ifname":"\#(name)","linkinfo":{"info_kind":"vxlan","info_data":{"id":9,"port":4789}}}"#
        }
        #expect(try finding("192.168.77.1", others: tunnel("st-vx9")).status == .ok)
        #expect(
            try finding("192.168.77.1", others: tunnel("vx-001")).meaning.contains(
                "vx-001 uses UDP port 4789"))
        #expect(try DoctorNetwork(settings: NetworkSettings()).underlay(addresses: "[]") == [])
    }

    @Test("the doctor tries the kernel", .enabled(if: NetworkLab.isRoot, "namespaces need root"))
    func doctorTries() async throws {
        let report = try await QEMUFixture.withFolder { folder in
            var doctor = Doctor(
                dataFolder: folder, listen: nil, networkMode: .bridged, network: try settings())
            doctor.accelerator = { AcceleratorChoice(.tcg, reason: "not looked at") }
            return await doctor.run()
        }
        func status(_ check: String) -> DoctorFinding.Status? {
            report.findings.first { $0.check == check }?.status
        }
        #expect(status("Tunnels") == .ok, "\(report.table)")
        #expect(status("Packet filter") == .ok, "\(report.table)")
        #expect(status("Underlay") == .failed, "this machine has no such address")
    }

    @Test("a plan of computes takes along their teammates alone, and who is not known is drift")
    func plan() async throws {
        let places = [try NetworkDriftTests.place(1, .idle)]
        var (mate, stranger) = (try remote(6), try remote(7, team: 2))
        mate.network = places[0].network
        stranger.teamId = 3
        let plan = NetworkPlan(places, remotes: [mate, stranger]) { $0 != .mustNot }
        #expect(plan.attachments.map(\.computeId) == [1] && plan.remotes == [mate])
        let host = SimulatedHost()
        try await host.applyNetwork(NetworkPlan(attachments: plan.attachments))
        let drift = try await host.networkDrift(of: places, remotes: [mate, stranger])
        #expect(drift == ["the teammate 10.0.4.6 on 192.168.77.2 is not known"])
        try await host.applyNetwork(plan)
        let left = try await host.networkDrift(of: places, remotes: [mate])
        #expect(left == [])
    }
}
