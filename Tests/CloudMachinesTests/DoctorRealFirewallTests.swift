import CloudCore
import Testing

@testable import CloudMachines

/// Other people's firewalls as `nft list ruleset` shows them, shortened.
enum FirewallText {
    static func docker(_ user: String = "") -> String {
        """
        # Warning: table ip filter is managed by iptables-nft, do not touch!
        table ip filter {
        \tchain DOCKER-USER {
        \(user)\t\tcounter packets 0 bytes 0 return
        \t}
        \tchain FORWARD {
        \t\ttype filter hook forward priority filter; policy drop;
        \t\tcounter packets 0 bytes 0 jump DOCKER-USER
        \t\toifname "docker0" ct state related,established counter packets 0 bytes 0 accept
        \t\tiifname "docker0" oifname != "docker0" counter packets 0 bytes 0 accept
        \t}
        }
        """
    }

    static let firewalld = """
        table inet firewalld {
        \tchain filter_INPUT {
        \t\ttype filter hook input priority filter + 10; policy accept;
        \t\tct state { established, related } accept
        \t\tiifname "lo" accept
        \t\tjump filter_INPUT_ZONES
        \t\tct state invalid drop
        \t\treject with icmpx admin-prohibited
        \t}
        \tchain filter_INPUT_ZONES {
        \t\tiifname "eth0" goto filter_IN_public
        \t\tgoto filter_IN_public
        \t}
        \tchain filter_IN_public {
        \t\ttcp dport 22 accept
        \t\tmeta l4proto { icmp, ipv6-icmp } accept
        \t}
        \tchain filter_FORWARD {
        \t\ttype filter hook forward priority filter + 10; policy accept;
        \t\tct state { established, related } accept
        \t\tct status dnat accept
        \t\tiifname "lo" accept
        \t\tip6 daddr { ::/96, ::ffff:0.0.0.0/96 } log prefix "rfc3964_deny: " reject with icmpv6 addr-unreachable
        \t\treject with icmpx admin-prohibited
        \t}
        }
        """

    /// ufw, by iptables-nft.
    static func input(_ accept: String = "") -> String {
        """
        table ip filter {
        \tchain INPUT {
        \t\ttype filter hook input priority filter; policy drop;
        \t\tcounter packets 9 bytes 540 jump ufw-before-input
        \(accept)\t}
        \tchain ufw-before-input {
        \t\tiifname "lo" counter packets 0 bytes 0 accept
        \t\tct state related,established counter packets 0 bytes 0 accept
        \t\tct state invalid counter packets 0 bytes 0 drop
        \t\tip protocol icmp icmp type echo-request counter packets 0 bytes 0 accept
        \t\tmeta l4proto tcp tcp dport 22 counter packets 0 bytes 0 accept
        \t\tmeta l4proto udp udp sport 67 udp dport 68 counter packets 0 bytes 0 accept
        \t}
        }
        """
    }
}

/// The same on a kernel, with what its own nft prints.
@Suite(
    "The doctor, on a real firewall", .serialized,
    .enabled(if: NetworkLab.isRoot, "network namespaces need root"))
struct DoctorRealFirewallTests {
    @Test("what is told to be lost is lost, and is there once the remedy is done")
    func real() async throws {
        let attachments = [try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5")]
        try await NetworkLab.with(attachments) { lab, guests in
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            func finding() async throws -> DoctorFinding {
                let rules = try await lab.run(lab.host, "nft", "--stateless", "list", "ruleset")
                return DoctorNetwork(settings: lab.network.settings).firewalls(
                    RulesetListing(rules), .none, uplinks: [PresentRoute(network: nil, device: "uplink")],
                    bridgeFilter: false)
            }
            try await lab.withListener(in: lab.host, port: lab.network.settings.metadata.port) {
                #expect(try await finding().status == .ok)
                #expect(await lab.connects(guests[0].space, "169.254.169.254", port: 80))
                let firewalls = [FirewallText.firewalld, FirewallText.input(), FirewallText.docker()]
                for (firewall, remedies) in zip(
                    firewalls,
                    [
                        [["inet", "firewalld", "filter_FORWARD"], ["inet", "firewalld", "filter_INPUT"]],
                        [["ip", "filter", "INPUT"]], [["ip", "filter", "DOCKER-USER"]],
                    ])
                {
                    try await lab.run(lab.host, "nft", "-f", "-", input: firewall)
                    let found = try await finding()
                    #expect(found.status == .warning)
                    let losesMetadata = found.meaning.contains("the metadata service")
                    #expect(
                        await lab.connects(guests[0].space, "169.254.169.254", port: 80) == !losesMetadata,
                        "\(found.meaning)")
                    let losesWorld = found.meaning.contains("to the world")
                    #expect(
                        await lab.pings(guests[0].space, NetworkLab.outsideAddress, expected: !losesWorld)
                            == !losesWorld, "\(found.meaning)")
                    for chain in remedies {
                        for interface in ["iifname", "oifname"] {
                            let rule = ["nft", "insert", "rule"] + chain + [interface, "st-br*", "accept"]
                            #expect(await lab.succeeds(lab.host, rule))
                        }
                    }
                    let left = try await finding()
                    #expect(left.status == .ok, "\(left.meaning)")
                    #expect(await lab.connects(guests[0].space, "169.254.169.254", port: 80))
                    #expect(await lab.pings(guests[0].space, NetworkLab.outsideAddress))
                    let table = remedies[0].prefix(2)
                    #expect(await lab.succeeds(lab.host, ["nft", "delete", "table"] + table))
                }
            }
        }
    }
}
