import CloudCore
import CloudMachines

/// What the audit must know of how the cell is run: the same values that the server runs with.
public struct AuditSettings: Sendable, Equatable {
    public var privateRange: IPv4Network
    /// Blocks that public addresses come from.
    public var publicPool: [IPv4Network]
    /// Ports that lead to guests' SSH; `nil` where guests have a network of their own.
    public var sshPorts: ClosedRange<Int>?
    /// Whether anything costs.
    public var isBilled: Bool
    /// Milliseconds that a guest has to shut down.
    public var stopGraceMs: Int64
    /// How long after the first look the second comes, when the first found what may be a race.
    public var secondLookAfter: Duration

    public init(
        privateRange: IPv4Network, publicPool: [IPv4Network], sshPorts: ClosedRange<Int>? = nil,
        isBilled: Bool = false, stopGraceMs: Int64 = 60_000,
        secondLookAfter: Duration = .zero
    ) {
        self.privateRange = privateRange
        self.publicPool = publicPool
        self.sshPorts = sshPorts
        self.isBilled = isBilled
        self.stopGraceMs = stopGraceMs
        self.secondLookAfter = secondLookAfter
    }
}
