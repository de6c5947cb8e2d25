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
                iifname "st-br*" meta nfproto ipv6 drop
                iifname "st-br*" ip daddr 169.254.169.254 tcp dport 80 accept comment "ours, below"
                iifname "st-br*" ip daddr 169.254.0.0/16 drop comment "the provider's metadata"
            }

            chain arrival_nat {
                type nat hook prerouting priority dstnat; policy accept;
                iifname "st-br*" ip daddr 169.254.169.254 tcp dport 80 dnat ip to 169.254.83.84:8775
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
                ct status dnat ip daddr 169.254.83.84 tcp dport 8775 accept
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
}
