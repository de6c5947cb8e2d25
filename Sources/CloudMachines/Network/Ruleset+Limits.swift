import CloudCore

extension Ruleset {
    /// Bounds how many connections each guest has, and what the users may send that machines run as.
    ///
    /// The kernel keeps all connections of the host in one table, so a guest that fills it cuts off the host and all other
    /// guests. Each guest's connections are counted in sets, which the kernel fills and empties by itself. Their table is kept
    /// when the others are replaced, and when the last guest leaves: counted anew, the connections that are open already
    /// would not count. A set is named after its limit, so that a changed limit holds for guests that were counted before.
    ///
    /// - Parameter isRenewed: makes the table anew; needed where somebody has changed it.
    static func limits(_ layout: NetworkLayout, isRenewed: Bool) -> String {
        let table = layout.names.limitsTable
        let (limit, bridge) = (layout.guestConnections, layout.names.anyBridge)
        let removal = isRenewed ? "table inet \(table)\ndelete table inet \(table)\n" : ""
        return removal + """
            table inet \(table) {
            \(counts("from_\(limit)"))
            \(counts("to_\(limit)"))
            \(refusals("refused_from"))
            \(refusals("refused_to"))

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
            flush table inet \(table)
            table inet \(table) {
                chain departure {
                    iifname \(bridge) \(isNew) add @from_\(limit) { ip saddr ct count over \(limit) } \
            update @refused_from { ip saddr counter } drop
                }

                chain arrival {
                    ip daddr \(layout.privateRange) ct status dnat \(isNew) \
            add @to_\(limit) { ip daddr ct count over \(limit) } update @refused_to { ip daddr counter } drop
                }

                chain machines {
                    meta skuid \(MachineUser.all.lowerBound)-\(MachineUser.all.upperBound) goto machine
                }

                chain machine {
            \(moves(layout))        drop
                }
            }

            """
    }

    /// Matches the first packet of a connection alone. Others that nobody has answered are `new` too, and some kernels would
    /// count them again.
    private static let isNew = "ct state new ct status & confirmed == 0"

    /// Guests by address. Forged sources are dropped before, so there are never more than guests.
    private static let mostGuests = 65535

    private static func counts(_ name: String) -> String {
        set(name, "ipv4_addr; size \(mostGuests); flags dynamic", [])
    }

    /// How many packets of each guest were dropped, until a day after the last.
    private static func refusals(_ name: String) -> String {
        set(name, "ipv4_addr; size \(mostGuests); flags dynamic,timeout; timeout 1d", [])
    }

    /// What a machine's user may send: what moves need, and nothing else, since a guest that has broken out of QEMU is such
    /// a user. Looked at before addresses are translated, so that a packet is still for whom its sender meant.
    private static func moves(_ layout: NetworkLayout) -> String {
        guard let underlay = layout.underlay else { return "" }
        let ports = "\(MoveSettings.defaultPorts.lowerBound)-\(MoveSettings.defaultPorts.upperBound)"
        return """
                    ip saddr \(underlay.address) oifname != "lo" oifname != \(layout.names.anyBridge) \
            tcp dport \(ports) accept comment "moves to other hosts"
                    ip saddr \(underlay.address) tcp sport \(ports) ct state established accept comment "moves from there"

            """
    }
}
