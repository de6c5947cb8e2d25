import CloudCore

/// Bounds and places of moves between hosts.
public struct MoveSettings: Sendable {
    /// Where this host listens for machines that come; its peers reach it there.
    public var address = IPv4Address(0x7F00_0001)  // 127.0.0.1
    /// Ports for machines that come, two for each. IANA assigns none of them (RFC 6335, section 6).
    public var ports = defaultPorts
    /// The most that a move may send of disk and of memory, each: a gigabit link is not filled by one.
    public var bytesPerSecond: Int64 = 96 << 20
    /// How long the guest may stand still for the last of its memory.
    public var downtimeMs: Int64 = 300
    /// Where root puts a machine's keys for as long as its QEMU, an ordinary user by then, reads them; never on a disk.
    public var keyFolder = "/run"

    /// The host's rules let machines reach these on other hosts (`Ruleset.limits`).
    static let defaultPorts = 49152...49279

    public init() {}
}
