import CloudCore

extension Ruleset {
    /// What is added to the tables where there are other hosts: rules that only drop, in chains of their own, so that
    /// nothing that they let through escapes the others.
    static func tunnelled(_ layout: NetworkLayout) -> String {
        guard let underlay = layout.underlay else { return "" }
        return between(layout, underlay) + within(layout, underlay)
    }

    /// The UDP packets in which frames travel: from each host those of its own guests alone, and made by the kernel alone.
    private static func between(_ layout: NetworkLayout, _ underlay: NetworkLayout.Underlay) -> String {
        let (address, port) = (underlay.address, underlay.port)
        let bridge = layout.names.anyBridge
        let senders = layout.tunnels.flatMap { tunnel in
            tunnel.remotes.map { "\($0.underlay) . \(hex(tunnel.networkId)) . \(hex($0.mac))" }
        }
        return """
            table inet \(layout.names.table) {
            \(set("senders", of: sender, senders))

                chain tunnel_arrival {
                    type filter hook prerouting priority raw; policy accept;
                    iifname \(layout.names.anyTunnel) drop comment "group frames that skip the bridge"
                    ip daddr \(address) udp dport \(port) notrack comment "a guest's flows take many source ports"
                }

                chain tunnel_sending {
                    type filter hook output priority raw; policy accept;
                    ip saddr \(address) udp dport \(port) notrack
                }

                chain tunnel_input {
                    type filter hook input priority filter; policy accept;
                    udp dport \(port) ip daddr \(address) \(sender) @senders accept
                    udp dport \(port) drop comment "frames of strangers"
                }

                chain tunnel_output {
                    type filter hook output priority filter; policy accept;
                    ip saddr \(address) udp dport \(port) meta skuid != 0 drop comment "frames that some program made"
                }

                chain link_forwarding {
                    type filter hook forward priority filter - 1; policy accept;
                    iifname \(bridge) oifname != \(bridge) tcp dport \(underlay.linkPort) drop comment "hosts' own"
                }

                chain tunnel_departure {
                    type filter hook postrouting priority srcnat + 10; policy accept;
                    ct status snat ip saddr \(address) udp dport \(port) drop comment "frames that a guest made"
                }
            }

            """
    }

    /// The host that a packet is from, the network that its frame is of, and the frame's Ethernet source: bits behind the
    /// header of IP, where UDP's has 64 and VXLAN's 64 (RFC 7348, section 5).
    private static let sender = "ip saddr . @th,96,24 . @th,176,48"

    private static func hex(_ networkId: Int64) -> String { "0x" + String(networkId, radix: 16) }

    private static func hex(_ mac: MACAddress) -> String { "0x" + mac.description.filter { $0 != ":" } }

    /// The frames themselves: from known teammates to ours, and none of the gateway, which is every host's own.
    private static func within(_ layout: NetworkLayout, _ underlay: NetworkLayout.Underlay) -> String {
        let tunnel = layout.names.anyTunnel
        let remotes = layout.tunnels.flatMap { tunnel in
            tunnel.remotes.map { "\"\(tunnel.name)\" . \($0.mac) . \($0.privateIpv4)" }
        }
        let locals = layout.tunnels.flatMap { tunnel in
            layout.taps.filter { $0.bridge == tunnel.bridge }.map { "\"\(tunnel.name)\" . \($0.mac)" }
        }
        let segment = underlay.guestMtu - tcpHeaders
        return """
            table bridge \(layout.names.table) {
            \(set("teammates", "ifname . ether_addr . ipv4_addr", remotes))
            \(set("reached", "ifname . ether_addr", locals))

                chain tunnel_arrival {
                    type filter hook prerouting priority -300; policy accept;
                    iifname \(tunnel) jump teammate
                }

                chain teammate {
                    iifname . ether daddr != @reached drop
                    ether type ip iifname . ether saddr . ip saddr @teammates accept
                    ether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 \
            iifname . ether saddr . arp saddr ip @teammates iifname . arp saddr ether . arp saddr ip @teammates accept
                    drop
                }

                chain tunnel_local_input {
                    type filter hook input priority -200; policy accept;
                    iifname \(tunnel) drop comment "nothing is for the host itself"
                }

                chain tunnel_output {
                    type filter hook output priority -200; policy accept;
                    oifname \(tunnel) drop comment "the gateway stays at home"
                }

                chain segments {
                    type filter hook prerouting priority -290; policy accept;
                    iifname \(layout.names.anyTap) ether type ip tcp flags & (syn | rst) == syn \
            tcp option maxseg size > \(segment) tcp option maxseg size set \(segment)
                }
            }
            table arp \(layout.names.table) {
                chain tunnel_local_input {
                    type filter hook input priority filter; policy accept;
                    iifname \(tunnel) drop comment "group frames that skip the bridge"
                }
            }

            """
    }

    /// Headers of IPv4 and TCP without options, in bytes (RFC 9293, section 3.7.1).
    private static let tcpHeaders = 40
}
