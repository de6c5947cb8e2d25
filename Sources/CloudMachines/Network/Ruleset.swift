import CloudCore

/// The host's packet filter and address translation, as one text for `nft -f -`, which loads it whole or not at all.
///
/// It replaces our own three tables, keeps what the fourth has counted, and touches nobody else's. docs/network.md explains
/// every rule.
enum Ruleset {
    /// The ruleset for what the layout names; without machines, one that only takes the three tables away.
    ///
    /// - Parameter renewsLimits: makes the fourth table anew too, which forgets what it has counted.
    static func render(_ layout: NetworkLayout, renewsLimits: Bool = false) -> String {
        let table = layout.names.table
        // Adding before deleting makes the deletion work when there is nothing to delete.
        let removal = """
            table inet \(table)
            delete table inet \(table)
            table bridge \(table)
            delete table bridge \(table)
            table arp \(table)
            delete table arp \(table)

            """
        guard layout.hasMachines else { return removal }
        return removal + routed(layout) + bridged(layout) + unbridged(layout) + tunnelled(layout)
            + limits(layout, isRenewed: renewsLimits)
    }

    /// What the host routes: between teams, to and from the outside, to and from itself.
    private static func routed(_ layout: NetworkLayout) -> String {
        let published = layout.taps.compactMap { tap in tap.publicIpv4.map { ($0, tap.privateIpv4) } }
        let bridge = layout.names.anyBridge
        let metadata = layout.metadata
        let never = (NetworkSettings.reservedNetworks + [layout.privateRange]).map(\.description)
            .joined(separator: ", ")
        let wellKnown = IPv4Endpoint.wellKnownMetadata
        return """
            table inet \(layout.names.table) {
            \(map("public_to_private", published.map { "\($0) : \($1)" }))
            \(map("private_to_public", published.map { "\($1) : \($0)" }))
            \(set("published", "ipv4_addr . ipv4_addr", published.map { "\($0) . \($1)" }))
            \(set("team_networks", "ipv4_addr; flags interval", layout.bridges.map { "\($0.network)" }))
            \(set("same_bridge", "ifname . ifname", layout.bridges.map { "\"\($0.name)\" . \"\($0.name)\"" }))
            \(set("gateways", "ifname . ipv4_addr", layout.bridges.map { "\"\($0.name)\" . \($0.network.gateway)" }))

                chain arrival {
                    type filter hook prerouting priority raw; policy accept;
                    iifname \(layout.names.anyTap) drop comment "group frames that skip the bridge"
                    iifname != "lo" iifname != \(bridge) ip saddr @team_networks drop comment "forged outside"
                    iifname \(bridge) meta nfproto ipv6 drop
                    iifname \(bridge) ip daddr \(wellKnown.address) tcp dport \(wellKnown.port) accept comment "ours, below"
                    iifname \(bridge) ip daddr 169.254.0.0/16 drop comment "the provider's metadata"
                }

                chain arrival_nat {
                    type nat hook prerouting priority dstnat; policy accept;
                    iifname \(bridge) ip daddr \(wellKnown.address) tcp dport \(wellKnown.port) dnat ip to \(metadata)
                    dnat ip to ip daddr map @public_to_private
                }

                chain output_nat {
                    type nat hook output priority -100; policy accept;
                    dnat ip to ip daddr map @public_to_private
                }

                chain forwarding {
                    type filter hook forward priority filter; policy accept;
                    iifname != \(bridge) oifname != \(bridge) accept comment "none of ours"
                    iifname \(bridge) ip daddr 169.254.0.0/16 drop comment "never routed on"
                    iifname . oifname @same_bridge accept
                    iifname != \(bridge) ip saddr { \(never) } drop comment "forged outside"
                    ct state invalid drop
                    ct status dnat ct original ip daddr . ct reply ip saddr @published accept
                    ct status dnat drop comment "the public address has another holder by now"
                    ct state established,related accept
                    oifname \(bridge) drop
                    ip daddr \(layout.privateRange) drop
                }

                chain local_input {
                    type filter hook input priority filter; policy accept;
                    iifname != \(bridge) ip daddr \(metadata.address) drop comment "our metadata is for guests alone"
                    iifname != \(bridge) accept
                    ct state established,related accept
                    ct status dnat ip daddr \(metadata.address) tcp dport \(metadata.port) accept
                    iifname . ip daddr @gateways icmp type echo-request accept
                    drop
                }

                chain local_output {
                    type filter hook output priority filter; policy accept;
                    oifname \(bridge) meta nfproto ipv6 drop
                    oifname \(bridge) icmp type redirect drop comment "teammates' public addresses stay with us"
                }

                chain departure_nat {
                    type nat hook postrouting priority srcnat; policy accept;
                    ip saddr != @team_networks accept
                    oifname \(bridge) ct status dnat snat ip to ip saddr map @private_to_public
                    oifname \(bridge) ct status dnat snat ip to ip daddr map @private_to_public
                    oifname \(bridge) accept
                    snat ip to ip saddr map @private_to_public
                    masquerade
                }
            }

            """
    }

    /// What a guest may put on its wire: IPv4 and ARP in its own name alone.
    private static func bridged(_ layout: NetworkLayout) -> String {
        let taps = layout.taps
        let tap = layout.names.anyTap
        return """
            table bridge \(layout.names.table) {
            \(set("guests", "ifname . ether_addr . ipv4_addr", taps.map { "\"\($0.name)\" . \($0.mac) . \($0.privateIpv4)" }))
            \(set("gateways", "ifname . ipv4_addr", taps.map { "\"\($0.name)\" . \($0.bridge.network.gateway)" }))
            \(set("reflected", "ifname . ifname", taps.map { "\"\($0.name)\" . \"\($0.name)\"" }))
            \(set("returned", "ifname . ifname . ether_addr", taps.map { "\"\($0.name)\" . \"\($0.name)\" . \($0.mac)" }))

                chain arrival {
                    type filter hook prerouting priority -300; policy accept;
                    iifname \(tap) jump guest
                }

                chain guest {
                    ether type ip iifname . ether saddr . ip saddr @guests udp sport 67 drop comment "no DHCP servers"
                    ether type ip iifname . ether saddr . ip saddr @guests accept
                    ether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 \
            iifname . ether saddr . arp saddr ip @guests iifname . arp saddr ether . arp saddr ip @guests accept
                    drop
                }

                chain forwarding {
                    type filter hook forward priority -200; policy accept;
                    iifname . oifname . ether daddr @returned accept
                    iifname . oifname @reflected drop
                }

                chain local_input {
                    type filter hook input priority -200; policy accept;
                    iifname \(tap) ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 drop
                    iifname \(tap) arp operation request iifname . arp daddr ip != @gateways drop
                }
            }

            """
    }

    /// Bridges hand frames to 01:80:c2:00:00:0e (IEEE 802.1AB) to the host past their own filter. Those that hold IP
    /// are dropped on arrival above, and here those that hold ARP, which could fill the host's table of neighbours.
    private static func unbridged(_ layout: NetworkLayout) -> String {
        """
        table arp \(layout.names.table) {
            chain local_input {
                type filter hook input priority filter; policy accept;
                iifname \(layout.names.anyTap) drop
                arp daddr ip \(layout.metadata.address) drop comment "of no network"
            }
        }

        """
    }

    private static func map(_ name: String, _ elements: [String]) -> String {
        declaration("map", name, "type ipv4_addr : ipv4_addr", elements)
    }

    static func set(_ name: String, _ type: String, _ elements: [String]) -> String {
        declaration("set", name, "type \(type)", elements)
    }

    /// A set of what the expressions, with dots between them, give.
    static func set(_ name: String, of expressions: String, _ elements: [String]) -> String {
        declaration("set", name, "typeof \(expressions)", elements)
    }

    private static func declaration(_ kind: String, _ name: String, _ type: String, _ elements: [String])
        -> String
    {
        let head = "    \(kind) \(name) {\n        \(type)\n"
        guard !elements.isEmpty else { return head + "    }" }
        let lines = elements.map { "            \($0)" }.joined(separator: ",\n")
        return head + "        elements = {\n\(lines)\n        }\n    }"
    }
}
