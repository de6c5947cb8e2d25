import CloudCore

/// A bridge per team, a tap per compute, and one ruleset for all of them. Needs root.
///
/// In user mode each QEMU brings its own network, and the host has nothing to prepare.
public struct BridgedNetwork: Sendable {
    public var settings: NetworkSettings
    /// Put before every command: `["ip", "netns", "exec", "NAME"]` builds the network in a network namespace.
    public var commandPrefix: [String]
    /// Tells the host's neighbours which public addresses are here. Another one where the network is built in a network
    /// namespace.
    public var announce: @Sendable ([AddressAnnouncement]) async throws -> Void = { try ARPSocket.send($0) }
    /// Opens a tap for a machine. Another one where the network is built in a network namespace.
    var openTap: @Sendable (String) async throws -> OpenFile = { try TapFile.open($0) }
    /// What the present ruleset reads as once it is loaded.
    let loaded = LoadedRuleset()
    /// Keeps other installations away; `nil` until it is claimed.
    private var claimed: (any Sendable)?

    /// Taking an interface away costs the kernel some 20 ms, so this is enough for three thousand.
    private static let timeoutSeconds = 60
    /// `ip` prints some 1,300 bytes for a tap, so this is enough for ten thousand.
    private static let outputLimitBytes = 16 << 20
    /// How much of a command's input is logged with its failure, in characters.
    private static let loggedInputLimit = 4096

    public init(settings: NetworkSettings, commandPrefix: [String] = []) {
        self.settings = settings
        self.commandPrefix = commandPrefix
    }

    /// Claims the network of this host for the installation, for as long as the value or a copy of it lives. Throws `.conflict`
    /// when it is another's, whose server runs.
    public mutating func claim(for installationId: String) throws(CloudError) {
        #if os(Linux)
            claimed = try NetworkClaim.make(installationId: installationId)
        #endif
    }

    /// Makes the host's network what the plan says, whole: what is missing is made, what is ours and not in the plan
    /// goes. Can be repeated after a crash at any point. Calls must not overlap.
    ///
    /// Throws `.conflict` when the host itself holds an address that the plan gives to a guest, and what `Command`
    /// throws.
    ///
    /// - Parameter renamed: names that taps which are not there may still have, by those that they get.
    public func apply(_ plan: NetworkPlan, renaming renamed: [String: String] = [:]) async throws {
        let layout = try NetworkLayout(plan, settings)
        async let forwarding = forwarding(of: layout)
        let present = try await present()
        let changes = try NetworkChanges(from: present, to: layout, renaming: renamed)
        // The rules first: whatever comes up afterwards comes up behind them.
        try await run(
            "nft", ["-f", "-"], input: Ruleset.render(layout, renewsLimits: loaded.takeRenewal()),
            as: .loadRules)
        // Before the addresses are there, since afterwards nothing would tell that it was not done.
        try await announce(changes.announced, present)
        try await batch("ip", changes.lines, as: .changeLinks)
        try await batch("bridge", changes.forwarding, as: .changeForwarding)
        let missing = try await forwarding.missing(for: layout)
        if !missing.isEmpty {
            try await run("sysctl", ["-q", "-w"] + missing.map { "\($0)=1" }, as: .forwardPackets)
        }
        await enlargeConnectionTable(layout)
    }

    /// Makes a tap that leads nowhere, unless it is there.
    func addTap(_ name: String) async throws {
        guard try await present().interface(name) == nil else { return }
        let owner = settings.tapOwner.map { ["user", $0] } ?? []
        try await run("ip", ["tuntap", "add", "dev", name, "mode", "tap"] + owner, as: .addTap)
    }

    /// Removes a tap. Nothing to remove is success.
    func removeTap(_ name: String) async throws {
        guard try await present().interface(name) != nil else { return }
        try await run("ip", ["link", "delete", "dev", name], as: .removeTap)
    }

    /// What is there, as far as the settings make it matter.
    func present() async throws -> PresentNetwork {
        async let addresses = run("ip", ["-details", "-json", "address"], as: nil)
        guard settings.underlay != nil else { return try await PresentNetwork(json: addresses) }
        async let neighbours = run(
            "ip", ["-4", "-json", "neighbour", "show", "nud", "permanent"], as: nil)
        async let forwarding = run("bridge", ["-json", "fdb", "show"], as: nil)
        var present = try await PresentNetwork(json: addresses)
        try await present.readTunnels(neighbours: neighbours, forwarding: forwarding)
        return present
    }

    private func announce(_ addresses: [IPv4Address], _ present: PresentNetwork) async throws {
        guard !addresses.isEmpty else { return }
        let routes = try PresentRoute.all(json: await run("ip", ["-4", "-json", "route"], as: nil))
        let announcements = AddressAnnouncement.all(
            of: addresses, present, routes, NetworkNames(prefix: settings.namePrefix))
        guard !announcements.isEmpty else { return }
        try await HostEffect.announceAddresses.make { try await announce(announcements) }
    }

    /// Runs the lines, if there are any, up to the first that fails.
    private func batch(_ program: String, _ lines: [String], as effect: HostEffect) async throws {
        guard !lines.isEmpty else { return }
        try await run(program, ["-batch", "-"], input: lines.joined(separator: "\n") + "\n", as: effect)
    }

    /// As far as it matters for the layout, so that a host with many interfaces takes no longer.
    private func forwarding(of layout: NetworkLayout) async throws -> PresentForwarding {
        // Bridges that are not there yet are passed over.
        let settings =
            ["net.ipv4.ip_forward"]
            + (["default"] + layout.bridges.map(\.name)).map(PresentForwarding.setting)
        return PresentForwarding(sysctl: try await run("sysctl", ["-e"] + settings, as: nil))
    }

    /// Of all interfaces.
    func forwarding() async throws -> PresentForwarding {
        try PresentForwarding(json: await run("ip", ["-4", "-json", "netconf"], as: nil))
    }

    /// Makes it so large that all guests together can't fill it.
    private func enlargeConnectionTable(_ layout: NetworkLayout) async {
        let needed = ConnectionTable.needed(for: layout)
        guard let size = ConnectionTable.size, size < needed else { return }
        let setting = "\(ConnectionTable.setting)=\(ConnectionTable.roomy(needed))"
        // Not allowed in a container, where guests work all the same; `drift` tells of it.
        _ = try? await run("sysctl", ["-q", "-w", setting], as: .forwardPackets)  // see above
    }

    /// Runs one command and returns what it printed. Throws with what the operator can do about it.
    @discardableResult
    func run(
        _ program: String, _ arguments: [String], input: String = "", as effect: HostEffect?
    ) async throws -> String {
        let words = commandPrefix + [program] + arguments
        var command = Command(
            words[0], Array(words.dropFirst()), input: input, timeoutSeconds: Self.timeoutSeconds)
        command.outputLimitBytes = Self.outputLimitBytes
        do {
            return try await command.run(as: effect).standardOutput
        } catch let error as CloudError where error.code != .serviceUnavailable {
            throw CloudError(
                error.code,
                "The host's network can't be set up: \(program) failed. Run `strettch doctor` on the host as root.",
                detail: "\(error.detail ?? error.message)\n\(input.prefix(Self.loggedInputLimit))")
        }
    }
}
