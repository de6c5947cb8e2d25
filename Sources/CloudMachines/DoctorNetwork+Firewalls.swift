import CloudCore

extension DoctorNetwork {
    /// A packet that must pass, and what is lost without.
    private struct Need {
        var what: String
        var packet: DoctorFirewall.Packet
    }

    /// Whether other people's firewalls keep guests from the world or from what the host does for them.
    func firewalls(
        _ rules: RulesetListing, _ legacy: DoctorLegacyRules, uplinks routes: [PresentRoute],
        bridgeFilter: Bool
    ) -> DoctorFinding {
        let check = "Other firewalls"
        let ours: Set = [
            "ip", "inet", "bridge", "arp",
        ].reduce(into: Set<String>()) {
            $0.formUnion(["\($1) \(names.table)", "\($1) \(names.limitsTable)"])
        }
        let filters = [
            DoctorFirewall(rules, without: ours), DoctorFirewall(RulesetListing(legacy.listing), without: []),
        ]
        var losses: [(drop: DoctorFirewall.Drop, what: String, remedy: String)] = []
        for need in needs(routes, bridgeFilter: bridgeFilter) {
            for filter in filters {
                losses += filter.drops(need.packet).map {
                    (
                        $0, need.what,
                        remedy($0, need.packet, hasDocker: filter.hasChain("DOCKER-USER", in: $0.table))
                    )
                }
            }
        }
        guard let first = losses.first else {
            guard legacy != .unknown else {
                return DoctorFinding(
                    check, .warning,
                    "legacy iptables is in use beside nftables, and may drop what guests send",
                    remedy: "install iptables, so that its rules can be looked at", packages: ["iptables"])
            }
            return DoctorFinding(check, .ok, "none drops what guests send, or what is for them")
        }
        var told: [String] = []
        for loss in losses {
            let text = "\(loss.drop.text) drops \(loss.what)"
            if !told.contains(text) { told.append(text) }
        }
        return DoctorFinding(
            check, .warning, told.joined(separator: "; "), remedy: "accept it there: \(first.remedy)")
    }

    /// By which way each goes. A reply must pass as well as what it answers.
    private func needs(_ routes: [PresentRoute], bridgeFilter: Bool) -> [Need] {
        typealias Packet = DoctorFirewall.Packet
        let (guests, taps) = ("\(names.bridgePrefix)*", "\(names.tapPrefix)*")
        let range = settings.privateRange
        let uplinks = Set(routes.filter { $0.network == nil }.map(\.device)).sorted()
        var needs: [Need] = []
        for uplink in uplinks.isEmpty ? [nil] : uplinks.map(Optional.some) {
            let out = Packet(hook: "forward", from: guests, to: uplink, source: range)
            let back = Packet(
                hook: "forward", from: uplink, to: guests, destination: range, state: "established")
            let visit = Packet(
                hook: "forward", from: uplink, to: guests, destination: range, isTranslated: true)
            needs += [out, back].map { Need(what: "what guests send to the world", packet: $0) }
            needs.append(Need(what: "what comes for guests' public addresses", packet: visit))
        }
        let mates = Packet(hook: "forward", from: guests, to: guests, source: range, destination: range)
        if bridgeFilter { needs.append(Need(what: "what guests send to their teammates", packet: mates)) }
        let metadata = IPv4Network(base: settings.metadata.address, prefix: 32)
        let ask = Packet(
            hook: "input", from: guests, source: range, destination: metadata, port: settings.metadata.port,
            isTranslated: true)
        let answer = Packet(
            hook: "output", to: guests, source: metadata, destination: range, state: "established",
            isTranslated: true)
        needs += [ask, answer].map { Need(what: "what guests ask of the metadata service", packet: $0) }
        let probe = Packet(hook: "output", to: guests, destination: range, port: 22)
        let banner = Packet(hook: "input", from: guests, source: range, state: "established")
        needs += [probe, banner].map { Need(what: "what tells whether a guest answers SSH", packet: $0) }
        let frames = ["prerouting", "input"].map { Packet(hook: $0, families: ["bridge"], from: taps) }
        let bridged = Packet(hook: "forward", families: ["bridge"], from: taps, to: taps)
        needs += (frames + [bridged]).map { Need(what: "guests' frames", packet: $0) }
        return needs + underlay()
    }

    /// What comes from other hosts.
    private func underlay() -> [Need] {
        guard let underlay = settings.underlay.flatMap({ IPv4Network(base: $0, prefix: 32) }) else {
            return []
        }
        let frames = DoctorFirewall.Packet(
            hook: "input", destination: underlay, transport: "udp", port: settings.vxlanPort)
        let moves = DoctorFirewall.Packet(
            hook: "input", destination: underlay, port: MoveSettings.defaultPorts.lowerBound)
        return [
            Need(what: "frames of other hosts", packet: frames),
            Need(what: "moves from other hosts", packet: moves),
        ]
    }

    /// The command that lets the packet pass.
    private func remedy(
        _ drop: DoctorFirewall.Drop, _ packet: DoctorFirewall.Packet, hasDocker: Bool
    ) -> String {
        let own = "\(names.bridgePrefix)+"
        let isFromGuests = packet.from?.hasPrefix(names.bridgePrefix) ?? false
        let isForUnderlay = packet.from == nil && packet.to == nil
        let port = "\(packet.transport) dport \(packet.port ?? 0)"
        switch drop.table {
        case "inet firewalld" where isForUnderlay:
            return "firewall-cmd --permanent --add-port=\(packet.port ?? 0)/\(packet.transport)"
        case "inet firewalld":
            return
                "firewall-cmd --permanent --zone=trusted --add-interface='\(own)', then firewall-cmd --reload"
        case "ip filter", DoctorLegacyRules.table:
            let program = drop.table == "ip filter" ? "iptables" : "iptables-legacy"
            let chain = hasDocker && drop.hook == "forward" ? "DOCKER-USER" : drop.chain
            if isForUnderlay {
                return "'\(program) -I \(chain) -p \(packet.transport) --dport \(packet.port ?? 0) -j ACCEPT'"
            }
            let rule = "'\(program) -I \(chain) \(isFromGuests ? "-i" : "-o") \(own) -j ACCEPT'"
            return drop.hook == "forward"
                ? "\(rule), and again with \(isFromGuests ? "-o for -i" : "-i for -o")" : rule
        default:
            let interface = isFromGuests ? "iifname" : "oifname"
            let taps = packet.families == ["bridge"] ? names.anyTap : names.anyBridge
            return "nft insert rule \(drop.table) \(drop.chain) "
                + (isForUnderlay
                    ? "\(port) accept"
                    : "\(packet.families == ["bridge"] ? "iifname" : interface) \(taps) accept")
        }
    }

    /// Whether what comes in from the outside is forwarded to guests.
    func uplinks(_ present: PresentForwarding, _ routes: [PresentRoute]) -> DoctorFinding {
        let check = "Forwarding"
        let closed = present.closed(routes)
        guard closed.isEmpty else {
            let settings = closed.map { "\(PresentForwarding.setting($0))=1" }
            return DoctorFinding(
                check, .warning,
                "\(closed.joined(separator: ", ")) does not forward: nothing from there reaches a guest",
                remedy: "sysctl -w \(settings.joined(separator: " ")), and the same in /etc/sysctl.d")
        }
        return DoctorFinding(check, .ok, "no interface to the outside has it turned off by itself")
    }

    /// Whether only root can listen where the metadata service does.
    var metadata: DoctorFinding {
        let check = "Metadata service"
        guard settings.metadata.port >= Self.firstCommonPort else {
            return DoctorFinding(check, .ok, "\(settings.metadata), where only root may listen")
        }
        return DoctorFinding(
            check, .warning,
            "any user may listen on \(settings.metadata) while the server is down, and keep it from starting",
            remedy: "set metadataListen to a port below \(Self.firstCommonPort)")
    }

    /// From here on ports are anybody's (ip(7), ip_unprivileged_port_start).
    private static let firstCommonPort = 1024

    /// Whom guests ask for names.
    func nameservers(set: [IPv4Address], ofHost: Nameservers) -> DoctorFinding {
        let check = "Name servers"
        func list(_ addresses: [IPv4Address]) -> String {
            addresses.map(\.description).joined(separator: ", ")
        }
        guard set.isEmpty else { return DoctorFinding(check, .ok, "\(list(set)), as set") }
        guard let file = ofHost.file else {
            return DoctorFinding(
                check, .warning,
                "guests ask \(list(ofHost.addresses)), since this host asks none that they reach",
                remedy: "set nameservers if those are not to be asked, or are not reached from here")
        }
        return DoctorFinding(check, .ok, "\(list(ofHost.addresses)), of \(file)")
    }
}

extension DoctorFirewall.Drop {
    /// Which chain, and by what.
    fileprivate var text: String { "\(table) \(chain)" + (rule.map { " ('\($0)')" } ?? "") }
}
