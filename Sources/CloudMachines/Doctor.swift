import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Looks at a host and says whether machines can be made on it, and what to do where not. Changes nothing but the
/// data folder, which it makes, and where it remembers whether KVM works.
public struct Doctor: Sendable {
    public var dataFolder: String
    /// Where the server is to listen; `nil` for a unix socket.
    public var listen: (host: String, port: Int)?
    /// Where other servers of the cell are to reach this host; `nil`: nowhere.
    public var link: IPv4Endpoint?
    public var networkMode: NetworkMode
    public var network: NetworkSettings
    /// What the operator has set; empty: what the host asks.
    public var nameservers: [IPv4Address]
    /// Runs guest code on KVM, once per boot of the host.
    public var accelerator: @Sendable () async throws -> AcceleratorChoice

    private static let timeoutSeconds = 10
    /// Rulesets of others can be long.
    private static let outputLimitBytes = 16 << 20

    public init(
        dataFolder: String, listen: (host: String, port: Int)?, link: IPv4Endpoint? = nil,
        networkMode: NetworkMode, network: NetworkSettings, nameservers: [IPv4Address] = []
    ) {
        self.dataFolder = dataFolder
        self.listen = listen
        self.link = link
        self.networkMode = networkMode
        self.network = network
        self.nameservers = nameservers
        accelerator = {
            try await MachineFiles.makeFolder(dataFolder, as: nil)
            return try await AcceleratorProbe(program: "qemu-system-x86_64", folder: dataFolder).choice()
        }
    }

    /// Takes some seconds at the first call after a boot of the host. What can't be looked at is a finding too.
    public func run() async -> DoctorReport {
        let present = Set(DoctorTool.all.map(\.program).filter(Self.isInstalled))
        var findings = DoctorTool.findings(present: present, networkMode: networkMode)
        if present.contains("qemu-system-x86_64") {
            findings += await looking("QEMU version") {
                [DoctorTool.qemu(try await output("qemu-system-x86_64", ["--version"]))]
            }
            findings += await looking("Accelerator") { [Self.finding(try await accelerator())] }
        }
        findings += await looking("Data folder") { try await resources() }
        findings.append(
            DoctorResources.groups(
                controllers: MachineFiles.text("\(GuestGroups.mount)/cgroup.controllers", limit: 4096)))
        if let listen { findings.append(DoctorPort(host: listen.host, port: listen.port).finding) }
        if let link {
            findings.append(
                DoctorPort(
                    host: link.address.description, port: link.port, check: "Host link", setting: "hostLink"
                ).finding)
        }
        findings.append(mode)
        if networkMode == .bridged, present.isSuperset(of: ["ip", "nft"]) {
            findings += await bridgedNetwork()
        }
        return DoctorReport(findings: findings)
    }

    private var mode: DoctorFinding {
        // Safe: can't fail.
        let isRoot = geteuid() == 0
        switch networkMode {
        case .bridged where isRoot:
            return DoctorFinding("Network", .ok, "bridged: a network per team, public addresses")
        case .bridged:
            return DoctorFinding(
                "Network", .failed, "bridged, which needs root", remedy: "run as root, or set network to user"
            )
        case .user:
            return DoctorFinding(
                "Network", .warning, "user mode: guests can't reach each other, and have no public addresses",
                remedy: "run as root with network set to bridged for the whole of it")
        }
    }

    private static func finding(_ choice: AcceleratorChoice) -> DoctorFinding {
        switch choice.accelerator {
        case .kvm: DoctorFinding("Accelerator", .ok, "KVM: \(choice.reason)")
        case .tcg:
            DoctorFinding(
                "Accelerator", .warning, choice.reason,
                remedy:
                    "turn virtualization on in the firmware, or nested virtualization in the cloud's settings"
            )
        }
    }

    private func resources() async throws -> [DoctorFinding] {
        try await MachineFiles.makeFolder(dataFolder, as: nil)
        var status = statvfs()
        // Safe: writes to the local alone.
        guard statvfs(dataFolder, &status) == 0 else {
            throw CloudError(.internalServerError, "The file system of \(dataFolder) can't be read.")
        }
        guard access(dataFolder, W_OK) == 0 else {
            throw CloudError(.forbidden, "\(dataFolder) can't be written to. Give another with --data.")
        }
        let memory = MachineFiles.text("/proc/meminfo", limit: 4096).flatMap {
            DoctorResources.availableMb(meminfo: $0)
        }
        return DoctorResources(
            freeDiskMb: DoctorResources.megabytes(
                blocks: UInt64(status.f_bavail), size: UInt64(status.f_frsize)),
            freeInodes: Int(status.f_favail), availableMemoryMb: memory ?? 0
        ).findings
    }

    private func bridgedNetwork() async -> [DoctorFinding] {
        let judge = DoctorNetwork(settings: network)
        var findings = await looking("Private range") {
            let addresses = try await output("ip", ["-details", "-json", "address"])
            return try judge.ranges(
                addresses: addresses, routes: try await output("ip", ["-4", "-json", "route"]))
                + judge.underlay(addresses: addresses)
        }
        findings += await looking("Forwarding") {
            [
                judge.uplinks(
                    try PresentForwarding(json: try await output("ip", ["-4", "-json", "netconf"])),
                    try PresentRoute.all(json: try await output("ip", ["-4", "-json", "route"])))
            ]
        }
        findings.append(judge.metadata)
        findings += await looking("Name servers") {
            [
                judge.nameservers(
                    set: nameservers, ofHost: try await BridgedNetwork(settings: network).nameservers())
            ]
        }
        // Safe: can't fail. The rest is the kernel's secret before others than root.
        guard geteuid() == 0 else { return findings }
        findings += await looking("Other firewalls") {
            [try await otherFirewalls(judge)]
        }
        findings += await looking("Tunnels") { try await tunnels(judge) }
        findings += await looking("Packet filter") {
            let rules = Ruleset.render(try judge.sample())
            try await output("nft", ["--check", "-f", "-"], input: rules)
            return [DoctorFinding("Packet filter", .ok, "the kernel takes our rules")]
        }
        findings.append(
            MachineFiles.exists("/dev/net/tun")
                ? DoctorFinding("Taps", .ok, "/dev/net/tun is here")
                : DoctorFinding(
                    "Taps", .failed, "/dev/net/tun is missing: guests can't be connected",
                    remedy: "modprobe tun"))
        return findings
    }

    private func otherFirewalls(_ judge: DoctorNetwork) async throws -> DoctorFinding {
        let filter =
            MachineFiles.text("/proc/sys/net/bridge/bridge-nf-call-iptables", limit: 8)?.hasPrefix("1")
            ?? false
        let legacyTables = MachineFiles.text("/proc/net/ip_tables_names", limit: 4096) ?? ""
        let legacy: DoctorLegacyRules =
            if legacyTables.isEmpty { .none } else if Self.isInstalled("iptables-legacy-save") {
                .listed(try await output("iptables-legacy-save", ["-t", "filter"]))
            } else { .unknown }
        return judge.firewalls(
            RulesetListing(try await output("nft", ["--stateless", "list", "ruleset"])), legacy,
            uplinks: try PresentRoute.all(json: try await output("ip", ["-4", "-json", "route"])),
            bridgeFilter: filter)
    }

    /// Whether the kernel has all that leads to other hosts, tried in a network namespace that ends with the command.
    private func tunnels(_ judge: DoctorNetwork) async throws -> [DoctorFinding] {
        guard judge.settings.underlay != nil else { return [] }
        let lines = try NetworkChanges(from: PresentNetwork(interfaces: []), to: judge.sample()).lines
        do {
            try await output(
                "unshare", ["--net", "ip", "-batch", "-"], input: lines.joined(separator: "\n") + "\n")
            return [
                DoctorFinding("Tunnels", .ok, "the kernel has VXLAN and answers ARP for other hosts' guests")
            ]
        } catch let error as CloudError where error.code == .internalServerError {
            return [
                DoctorFinding(
                    "Tunnels", .failed,
                    "the kernel does not make what leads to other hosts: \(error.detail ?? error.message)",
                    remedy: "modprobe vxlan bridge, or a kernel with CONFIG_VXLAN and CONFIG_BRIDGE")
            ]
        }
    }

    /// What the body finds; a failure to look is a finding too.
    private func looking(_ check: String, _ body: () async throws -> [DoctorFinding]) async -> [DoctorFinding]
    {
        do {
            return try await body()
        } catch let error as CloudError {
            return [
                DoctorFinding(
                    check, .failed, [error.message, error.detail].compactMap(\.self).joined(separator: " "))
            ]
        } catch {
            return [DoctorFinding(check, .failed, "could not be looked at: \(error)")]
        }
    }

    @discardableResult
    private func output(_ program: String, _ arguments: [String], input: String = "") async throws -> String {
        var command = Command(program, arguments, input: input, timeoutSeconds: Self.timeoutSeconds)
        command.outputLimitBytes = Self.outputLimitBytes
        return try await command.run().standardOutput
    }

    private static func isInstalled(_ program: String) -> Bool {
        guard !program.hasPrefix("/") else { return MachineFiles.exists(program) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        // Safe: reads a path of ours.
        return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }
}

extension DoctorNetwork {
    /// One imaginary guest, and a teammate on another host where there are any, for the kernel to check.
    fileprivate func sample() throws -> NetworkLayout {
        guard let network = settings.privateRange.subnet(0, prefix: settings.teamPrefix) else {
            throw CloudError.bug("no team network in \(settings.privateRange)")
        }
        let first = network.gateway.value + 1
        let attachment = NetworkAttachment(
            computeId: 1, teamId: 1, network: network, privateIpv4: IPv4Address(first),
            publicIpv4: settings.publicPool.first?.base)
        let remotes = settings.underlay.map {
            [
                RemoteAttachment(
                    computeId: 2, teamId: 1, network: network, privateIpv4: IPv4Address(first + 1),
                    underlay: IPv4Address($0.value ^ 1))
            ]
        }
        return try NetworkLayout(NetworkPlan(attachments: [attachment], remotes: remotes ?? []), settings)
    }
}
