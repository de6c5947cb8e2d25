/// Whole rulesets, to be read as well as compared.
enum RulesetGolden {
    static let twoTeams = """
        table inet strettch_st {
            map public_to_private {
                type ipv4_addr : ipv4_addr
                elements = {
                    203.0.113.5 : 10.0.4.5
                }
            }
            map private_to_public {
                type ipv4_addr : ipv4_addr
                elements = {
                    10.0.4.5 : 203.0.113.5
                }
            }
            set published {
                type ipv4_addr . ipv4_addr
                elements = {
                    203.0.113.5 . 10.0.4.5
                }
            }
            set team_networks {
                type ipv4_addr; flags interval
                elements = {
                    10.0.4.0/22,
                    10.0.8.0/22
                }
            }
            set same_bridge {
                type ifname . ifname
                elements = {
                    "st-br1" . "st-br1",
                    "st-br2" . "st-br2"
                }
            }
            set gateways {
                type ifname . ipv4_addr
                elements = {
                    "st-br1" . 10.0.4.1,
                    "st-br2" . 10.0.8.1
                }
            }

            chain arrival {
                type filter hook prerouting priority raw; policy accept;
                iifname "st-t*" drop comment "group frames that skip the bridge"
                iifname != "lo" iifname != "st-br*" ip saddr @team_networks drop comment "forged outside"
                iifname "st-br*" meta nfproto ipv6 drop
                iifname "st-br*" ip daddr 169.254.169.254 tcp dport 80 accept comment "ours, below"
                iifname "st-br*" ip daddr 169.254.0.0/16 drop comment "the provider's metadata"
            }

            chain arrival_nat {
                type nat hook prerouting priority dstnat; policy accept;
                iifname "st-br*" ip daddr 169.254.169.254 tcp dport 80 dnat ip to 169.254.83.84:288
                dnat ip to ip daddr map @public_to_private
            }

            chain output_nat {
                type nat hook output priority -100; policy accept;
                dnat ip to ip daddr map @public_to_private
            }

            chain forwarding {
                type filter hook forward priority filter; policy accept;
                iifname != "st-br*" oifname != "st-br*" accept comment "none of ours"
                iifname "st-br*" ip daddr 169.254.0.0/16 drop comment "never routed on"
                iifname . oifname @same_bridge accept
                iifname != "st-br*" ip saddr { 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/3, 10.0.0.0/8 } \
        drop comment "forged outside"
                ct state invalid drop
                ct status dnat ct original ip daddr . ct reply ip saddr @published accept
                ct status dnat drop comment "the public address has another holder by now"
                ct state established,related accept
                oifname "st-br*" drop
                ip daddr 10.0.0.0/8 drop
            }

            chain local_input {
                type filter hook input priority filter; policy accept;
                iifname != "st-br*" ip daddr 169.254.83.84 drop comment "our metadata is for guests alone"
                iifname != "st-br*" accept
                ct state established,related accept
                ct status dnat ip daddr 169.254.83.84 tcp dport 288 accept
                iifname . ip daddr @gateways icmp type echo-request accept
                drop
            }

            chain local_output {
                type filter hook output priority filter; policy accept;
                oifname "st-br*" meta nfproto ipv6 drop
                oifname "st-br*" icmp type redirect drop comment "teammates' public addresses stay with us"
            }

            chain departure_nat {
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr != @team_networks accept
                oifname "st-br*" ct status dnat snat ip to ip saddr map @private_to_public
                oifname "st-br*" ct status dnat snat ip to ip daddr map @private_to_public
                oifname "st-br*" accept
                snat ip to ip saddr map @private_to_public
                masquerade
            }
        }
        table bridge strettch_st {
            set guests {
                type ifname . ether_addr . ipv4_addr
                elements = {
                    "st-t5" . 52:54:0a:00:04:05 . 10.0.4.5,
                    "st-t7" . 52:54:0a:00:08:07 . 10.0.8.7
                }
            }
            set gateways {
                type ifname . ipv4_addr
                elements = {
                    "st-t5" . 10.0.4.1,
                    "st-t7" . 10.0.8.1
                }
            }
            set reflected {
                type ifname . ifname
                elements = {
                    "st-t5" . "st-t5",
                    "st-t7" . "st-t7"
                }
            }
            set returned {
                type ifname . ifname . ether_addr
                elements = {
                    "st-t5" . "st-t5" . 52:54:0a:00:04:05,
                    "st-t7" . "st-t7" . 52:54:0a:00:08:07
                }
            }

            chain arrival {
                type filter hook prerouting priority -300; policy accept;
                iifname "st-t*" jump guest
            }

            chain guest {
                ether type ip iifname . ether saddr . ip saddr @guests udp sport 67 drop comment "no DHCP servers"
                ether type ip iifname . ether saddr . ip saddr @guests accept
                ether type arp arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . ether saddr . arp saddr ip @guests \
        iifname . arp saddr ether . arp saddr ip @guests accept
                drop
            }

            chain forwarding {
                type filter hook forward priority -200; policy accept;
                iifname . oifname . ether daddr @returned accept
                iifname . oifname @reflected drop
            }

            chain local_input {
                type filter hook input priority -200; policy accept;
                iifname "st-t*" ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 drop
                iifname "st-t*" arp operation request iifname . arp daddr ip != @gateways drop
            }
        }
        table arp strettch_st {
            chain local_input {
                type filter hook input priority filter; policy accept;
                iifname "st-t*" drop
                arp daddr ip 169.254.83.84 drop comment "of no network"
            }
        }

        """

    /// Behind the others.
    static let limits = """
        table inet strettch_st_limits {
            set from_8192 {
                type ipv4_addr; size 65535; flags dynamic
            }
            set to_8192 {
                type ipv4_addr; size 65535; flags dynamic
            }
            set refused_from {
                type ipv4_addr; size 65535; flags dynamic,timeout; timeout 1d
            }
            set refused_to {
                type ipv4_addr; size 65535; flags dynamic,timeout; timeout 1d
            }

            chain departure {
                type filter hook prerouting priority mangle; policy accept;
            }

            chain arrival {
                type filter hook prerouting priority dstnat + 10; policy accept;
            }

            chain machines {
                type filter hook output priority mangle; policy accept;
            }

            chain machine {
            }
        }
        flush table inet strettch_st_limits
        table inet strettch_st_limits {
            chain departure {
                iifname "st-br*" ct state new ct status & confirmed == 0 add @from_8192 { ip saddr ct count over 8192 } \
        update @refused_from { ip saddr counter } drop
            }

            chain arrival {
                ip daddr 10.0.0.0/8 ct status dnat ct state new ct status & confirmed == 0 \
        add @to_8192 { ip daddr ct count over 8192 } update @refused_to { ip daddr counter } drop
            }

            chain machines {
                meta skuid 1879048192-1912602623 goto machine
            }

            chain machine {
                drop
            }
        }

        """

    /// What a machine may do where there are other hosts.
    static let moves = """
            chain machine {
                ip saddr 192.168.77.1 oifname != "lo" oifname != "st-br*" tcp dport 49152-49279 accept comment "moves to other hosts"
                ip saddr 192.168.77.1 tcp sport 49152-49279 ct state established accept comment "moves from there"
                drop
            }
        }

        """
}
