import CloudCore
import Testing

@testable import CloudMachines

@Suite("The doctor, on other firewalls")
struct DoctorFirewallTests {
    private static let metadata = "what guests ask of the metadata service"
    private static let world = "what guests send to the world"
    private static let visits = "what comes for guests' public addresses"
    private static let probe = "what tells whether a guest answers SSH"

    private func finding(
        _ rules: String, legacy: DoctorLegacyRules = .none, bridgeFilter: Bool = false,
        underlay: String? = nil
    ) throws -> DoctorFinding {
        let judge = DoctorNetwork(
            settings: try NetworkSettings(publicPool: ["195.15.0.0/24"], underlay: underlay))
        return judge.firewalls(
            RulesetListing(rules), legacy, uplinks: [PresentRoute(network: nil, device: "eth0")],
            bridgeFilter: bridgeFilter)
    }

    private func losses(_ rules: String) throws -> [String] {
        let meaning = try finding(rules).meaning
        return [Self.world, Self.visits, Self.metadata, Self.probe].filter(meaning.contains)
    }

    /// A base chain with rules, and chains beside it.
    private func table(
        _ hook: String, policy: String = "accept", _ rules: String..., beside: String = "",
        name: String = "inet mine"
    ) -> String {
        """
        table \(name) {
        \(beside)
        \tchain base {
        \t\ttype filter hook \(hook) priority filter; policy \(policy);
        \(rules.map { "\t\t\($0)" }.joined(separator: "\n"))
        \t}
        }
        """
    }

    @Test("one that forwards nothing is reported, with the remedy, and no more once that is done")
    func docker() throws {
        let finding = try finding(FirewallText.docker())
        #expect(finding.status == .warning)
        #expect(
            finding.meaning == "ip filter FORWARD drops \(Self.world); ip filter FORWARD drops \(Self.visits)"
        )
        #expect(finding.remedy?.contains("iptables -I DOCKER-USER -i st-br+ -j ACCEPT") == true)
        let accepted = FirewallText.docker(
            """
            \t\toifname "st-br*" counter packets 0 bytes 0 accept
            \t\tiifname "st-br*" counter packets 0 bytes 0 accept

            """)
        #expect(try self.finding(accepted).status == .ok)
        let half = FirewallText.docker("\t\tiifname \"st-br*\" counter packets 0 bytes 0 accept\n")
        #expect(try losses(half) == [Self.world, Self.visits], "answers are dropped")
        let both = try self.finding(FirewallText.docker(), bridgeFilter: true)
        #expect(both.meaning.contains("to their teammates"))
    }

    @Test("firewalld rejects in the last rules of its chains")
    func firewalld() throws {
        let finding = try finding(FirewallText.firewalld)
        #expect(try losses(FirewallText.firewalld) == [Self.world, Self.metadata])
        #expect(
            finding.meaning.contains(
                "inet firewalld filter_FORWARD ('reject with icmpx admin-prohibited') drops"))
        #expect(
            finding.meaning.contains(
                "inet firewalld filter_INPUT ('reject with icmpx admin-prohibited') drops"))
        #expect(
            finding.remedy?.contains("firewall-cmd --permanent --zone=trusted --add-interface='st-br+'")
                == true)
        let trusted = FirewallText.firewalld
            .replacing("\t\tiifname \"eth0\" goto filter_IN_public", with: "\t\tiifname \"st-br*\" accept")
            .replacing("\t\tip6 daddr", with: "\t\tiifname \"st-br*\" accept\n\t\tip6 daddr")
        #expect(try self.finding(trusted).status == .ok)
    }

    @Test("one that lets in only what it knows keeps guests from their metadata")
    func input() throws {
        let finding = try finding(FirewallText.input())
        #expect(finding.meaning == "ip filter INPUT drops \(Self.metadata)")
        #expect(finding.remedy?.contains("'iptables -I INPUT -i st-br+ -j ACCEPT'") == true)
        for accept in [
            "\t\tiifname \"st-br*\" counter accept\n", "\t\tiifname \"st-*\" accept\n",
            "\t\tip saddr 10.0.0.0/8 accept\n", "\t\tct status dnat accept\n",
            "\t\tip daddr 169.254.83.84 tcp dport { 80, 288 } accept\n", "\t\ttcp dport 200-300 accept\n",
            "\t\tiifname != \"eth0\" accept\n",
        ] {
            #expect(try self.finding(FirewallText.input(accept)).status == .ok, "\(accept)")
        }
        for accept in [
            "\t\tiifname \"st-br1\" accept\n", "\t\tip saddr 10.0.4.0/22 accept\n",
            "\t\ttcp dport 80 accept\n",
            "\t\tudp dport 288 accept\n", "\t\tct state != new accept\n", "\t\tip6 nexthdr tcp accept\n",
            "\t\tiifname \"st-br*\" limit rate 5/second accept\n",
            "\t\tiifname \"st-br*\" meta mark 0x1 accept\n",
        ] {
            #expect(try losses(FirewallText.input(accept)) == [Self.metadata], "\(accept)")
        }
    }

    @Test("drops are found wherever a chain leads, and by whatever they are written")
    func ways() throws {
        let chain = { (rules: String) in "\tchain more {\n\t\t\(rules)\n\t}" }
        let guests = "iifname \"st-br*\""
        for rules in [
            table("input", policy: "drop"), table("input", "drop"), table("input", "reject with tcp reset"),
            table("input", "counter packets 1 bytes 60 log prefix \"no accept \" level info drop"),
            table("input", "\(guests) jump more", beside: chain("drop")),
            table("input", "goto more", "accept", beside: chain("\(guests) reject")),
            table("input", policy: "drop", "goto more", "accept", beside: chain("return")),
            table("input", "\(guests) tcp dport vmap { 22 : accept, 288 : drop }"),
            table(
                "input", policy: "drop",
                "ct state vmap { established : accept, related : accept, invalid : drop }"),
            table("input", "iifname vmap { \"lo\" : accept, \"st-br*\" : jump more }", beside: chain("drop")),
            table(
                "input", "iifname @closed drop",
                beside: "\tset closed {\n\t\ttype ifname\n\t\telements = { \"st-br*\" }\n\t}"),
            table("input", "\(guests) counter packets 0 bytes 0 xt target \"REJECT\""),
            table("input", "ct status dnat drop comment \"accept\"", name: "ip mine"),
        ] {
            #expect(try finding(rules).meaning.contains(Self.metadata), "\(rules)")
        }
        #expect(try losses(table("output", policy: "drop")) == [Self.metadata, Self.probe])
        #expect(try losses(table("output", policy: "drop", "ct state established accept")) == [Self.probe])
        #expect(
            try losses(table("forward", "iifname \"eth0\" oifname \"st-br*\" ct state new drop")) == [
                Self.visits
            ])
        let frames = table("forward", policy: "drop", name: "bridge mine")
        #expect(try finding(frames).meaning == "bridge mine base drops guests' frames")
        #expect(try finding(frames).remedy?.contains("iifname \"st-t*\" accept") == true)
    }

    @Test("what drops nothing of ours is no one's business")
    func harmless() throws {
        for rules in [
            "", table("input", policy: "drop", name: "ip6 mine"),
            table("input", policy: "drop", name: "inet strettch_st"),
            table("output", "drop", name: "inet strettch_st_limits"),
            table("input", policy: "drop", "accept"),
            table("forward", "iifname \"docker0\" drop", "iifname \"eth0\" oifname \"docker0\" drop"),
            table("input", "icmp type echo-request drop", "ip6 daddr ::1 drop", "tcp dport 25 drop"),
            table("input", "ip saddr 192.0.2.0/24 reject", "iifname \"eth0\" drop", "meta nfproto ipv6 drop"),
            table("input", "limit rate over 10/second drop", "fib saddr . iif oif missing drop"),
            table("input", "jump more", beside: "\tchain more {\n\t\tjump more\n\t}"),
            "table inet mine {\n\tchain unused {\n\t\tdrop\n\t}\n}",
        ] {
            #expect(try finding(rules).status == .ok, "\(rules)")
        }
    }

    @Test("the legacy iptables is read where its rules can be listed, and else warned of")
    func legacy() throws {
        let unknown = try finding("", legacy: .unknown)
        #expect(unknown.status == .warning && unknown.packages == ["iptables"])
        func listed(_ rules: String...) -> DoctorLegacyRules {
            .listed(
                """
                # Generated by iptables-save v1.8.9
                *filter
                :INPUT DROP [0:0]
                :FORWARD ACCEPT [0:0]
                :OUTPUT ACCEPT [0:0]
                :more - [0:0]
                \(rules.joined(separator: "\n"))
                COMMIT
                """)
        }
        let established = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        let finding = try finding(
            "", legacy: listed(established, "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"))
        #expect(finding.meaning == "ip legacy INPUT drops \(Self.metadata)")
        #expect(finding.remedy?.contains("'iptables-legacy -I INPUT -i st-br+ -j ACCEPT'") == true)
        for accept in [
            "-A INPUT -i st-br+ -j ACCEPT", "-A INPUT ! -i eth0 -m comment --comment \"not drop\" -j ACCEPT",
            "-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 200:300 -j more\n-A more -j ACCEPT",
        ] {
            #expect(try self.finding("", legacy: listed(established, accept)).status == .ok, "\(accept)")
        }
        let reject = listed(
            established, "-A INPUT -j ACCEPT", "-A FORWARD -j REJECT --reject-with icmp-port-unreachable")
        #expect(try self.finding("", legacy: reject).meaning.contains("ip legacy FORWARD ('reject') drops"))
        let guarded = listed(established, "-A INPUT -i st-br+ -m limit --limit 5/sec -j ACCEPT")
        #expect(try self.finding("", legacy: guarded).status == .warning)
    }

    @Test("what other hosts send must come in as well")
    func underlay() throws {
        let closed = table("input", policy: "drop", "iifname \"st-br*\" accept")
        #expect(try finding(closed).status == .ok)
        let many = try finding(closed, underlay: "192.168.77.1")
        #expect(
            many.meaning.contains("frames of other hosts") && many.meaning.contains("moves from other hosts"))
        #expect(many.remedy?.contains("nft insert rule inet mine base udp dport 4789 accept") == true)
        let open = table(
            "input", policy: "drop", "iifname \"st-br*\" accept", "udp dport 4789 accept",
            "ip daddr 192.168.77.0/24 tcp dport 49152-49279 accept")
        #expect(try finding(open, underlay: "192.168.77.1").status == .ok)
    }

    @Test("an interface to the outside that does not forward is told of, once forwarding is on at all")
    func uplinks() throws {
        let judge = DoctorNetwork(settings: try NetworkSettings())
        let routes = [PresentRoute(network: nil, device: "eth0"), PresentRoute(network: nil, device: "eth0")]
        func status(_ interfaces: [String: Bool]) -> DoctorFinding {
            judge.uplinks(PresentForwarding(interfaces: interfaces), routes)
        }
        let closed = status(["all": true, "eth0": false, "eth1": false])
        #expect(closed.status == .warning && closed.meaning.hasPrefix("eth0 does not forward"))
        #expect(closed.remedy?.contains("sysctl -w net.ipv4.conf.eth0.forwarding=1") == true)
        #expect(status(["all": true, "eth0": true, "eth1": false]).status == .ok)
        #expect(status(["all": false, "eth0": false]).status == .ok, "the server turns it on for all")
    }

    @Test("forwarding is read from what either of two programs prints")
    func forwarding() throws {
        let lines = """
            net.ipv4.ip_forward = 1
            net.ipv4.conf.default.forwarding = 0
            net.ipv4.conf.st-br1.forwarding = 1
            """
        let read = PresentForwarding(sysctl: lines)
        #expect(read.interfaces == ["all": true, "default": false, "st-br1": true])
        let rows = ["all": true, "default": false, "st-br1": true].map {
            #"{"family":"inet","interface":"\#($0.key)","forwarding":\#($0.value)}"#
        }
        #expect(try PresentForwarding(json: "[{}, \(rows.joined(separator: ","))]") == read)
        let plan = NetworkPlan(
            attachments: try [1, 2].map { try NetworkLab.attachment(compute: Int64($0 + 4), team: $0) })
        let layout = try NetworkLayout(plan, NetworkSettings())
        #expect(
            read.missing(for: layout) == ["net.ipv4.conf.st-br2.forwarding"], "made with what `default` says")
        #expect(PresentForwarding(interfaces: ["all": false]).missing(for: layout) == ["net.ipv4.ip_forward"])
        let none = try NetworkLayout(NetworkPlan(attachments: []), NetworkSettings())
        #expect(PresentForwarding(interfaces: ["all": false]).missing(for: none) == [])
    }

    @Test("a full host's guests can't fill the kernel's table of connections")
    func table() throws {
        let plan = NetworkPlan(
            attachments: try (5...24).map { try NetworkLab.attachment(compute: $0, team: 1) })
        let needed = ConnectionTable.needed(for: try NetworkLayout(plan, NetworkSettings()))
        #expect(needed == 20 * 2 * 8192 + 65536 && ConnectionTable.roomy(needed) == 524288)
        #expect(ConnectionTable.roomy(65536) == 65536 && ConnectionTable.roomy(65537) == 131072)
    }

    @Test("a port of the metadata service that any user may take is warned of")
    func metadataPort() throws {
        func status(_ listen: String) throws -> DoctorFinding.Status {
            DoctorNetwork(settings: try NetworkSettings(metadata: listen)).metadata.status
        }
        #expect(try status(NetworkSettings.defaultMetadata) == .ok && status("169.254.9.9:1023") == .ok)
        #expect(try status("169.254.9.9:1024") == .warning)
    }

    @Test("name servers are told, and where they are from")
    func nameservers() throws {
        let judge = DoctorNetwork(settings: try NetworkSettings())
        let own = try #require(IPv4Address("192.0.2.1"))
        let found = Nameservers(addresses: [own], file: "/etc/resolv.conf")
        #expect(judge.nameservers(set: [], ofHost: found).meaning == "192.0.2.1, of /etc/resolv.conf")
        #expect(judge.nameservers(set: [own], ofHost: .fallback).status == .ok)
        #expect(judge.nameservers(set: [], ofHost: .fallback).status == .warning)
    }
}
