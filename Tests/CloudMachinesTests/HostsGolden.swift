/// What a ruleset has behind that of a host alone, to be read as well as compared.
enum HostsGolden {
    static let tunnels = """
        table inet strettch_st {
            set senders {
                typeof ip saddr . @th,96,24 . @th,176,48
                elements = {
                    192.168.77.2 . 0x1 . 0x52540a000406,
                    192.168.77.3 . 0x1 . 0x52540a000409
                }
            }

            chain tunnel_arrival {
                type filter hook prerouting priority raw; policy accept;
                iifname "st-vx*" drop comment "group frames that skip the bridge"
                ip daddr 192.168.77.1 udp dport 4789 notrack comment "a guest's flows take many source ports"
            }

            chain tunnel_sending {
                type filter hook output priority raw; policy accept;
                ip saddr 192.168.77.1 udp dport 4789 notrack
            }

            chain tunnel_input {
                type filter hook input priority filter; policy accept;
                udp dport 4789 ip daddr 192.168.77.1 ip saddr . @th,96,24 . @th,176,48 @senders accept
                udp dport 4789 drop comment "frames of strangers"
            }

            chain tunnel_output {
                type filter hook output priority filter; policy accept;
                ip saddr 192.168.77.1 udp dport 4789 meta skuid != 0 drop comment "frames that some program made"
            }

            chain link_forwarding {
                type filter hook forward priority filter - 1; policy accept;
                iifname "st-br*" oifname != "st-br*" tcp dport 289 drop comment "hosts' own"
            }

            chain tunnel_departure {
                type filter hook postrouting priority srcnat + 10; policy accept;
                ct status snat ip saddr 192.168.77.1 udp dport 4789 drop comment "frames that a guest made"
            }
        }
        table bridge strettch_st {
            set teammates {
                type ifname . ether_addr . ipv4_addr
                elements = {
                    "st-vx1" . 52:54:0a:00:04:06 . 10.0.4.6,
                    "st-vx1" . 52:54:0a:00:04:09 . 10.0.4.9
                }
            }
            set reached {
                type ifname . ether_addr
                elements = {
                    "st-vx1" . 52:54:0a:00:04:05
                }
            }

            chain tunnel_arrival {
                type filter hook prerouting priority -300; policy accept;
                iifname "st-vx*" jump teammate
            }

            chain teammate {
                iifname . ether daddr != @reached drop
                ether type ip iifname . ether saddr . ip saddr @teammates accept
                ether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . ether saddr . arp saddr ip @teammates \
        iifname . arp saddr ether . arp saddr ip @teammates accept
                drop
            }

            chain tunnel_local_input {
                type filter hook input priority -200; policy accept;
                iifname "st-vx*" drop comment "nothing is for the host itself"
            }

            chain tunnel_output {
                type filter hook output priority -200; policy accept;
                oifname "st-vx*" drop comment "the gateway stays at home"
            }

            chain segments {
                type filter hook prerouting priority -290; policy accept;
                iifname "st-t*" ether type ip tcp flags & (syn | rst) == syn tcp option maxseg size > 1410 \
        tcp option maxseg size set 1410
            }
        }
        table arp strettch_st {
            chain tunnel_local_input {
                type filter hook input priority filter; policy accept;
                iifname "st-vx*" drop comment "group frames that skip the bridge"
            }
        }

        """
}
