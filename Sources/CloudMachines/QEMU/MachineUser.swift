#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The users that machines' QEMUs run as when we are root. No file belongs to them, and no two machines share one.
enum MachineUser {
    /// Begins behind all that systemd knows a use for (its "Users, Groups, UIDs and GIDs").
    private static let first: UInt32 = 0x7000_0000
    /// Numbers for computes, and as many behind them for guests that were booted ahead.
    private static let count: Int64 = 1 << 24

    /// The user that what makes an image runs as, behind all those of machines; `nil` when we are not root.
    static func uid(ofImage id: Int64) -> UInt32? {
        // Safe: can't fail.
        geteuid() == 0 ? all.upperBound + 1 + UInt32(id % count) : nil
    }

    /// All of machines' users.
    static let all = first...first + 2 * UInt32(count) - 1

    /// The user of a machine by what stands for it in its UUID: the compute's id, or the number of a guest booted ahead
    /// (`WarmMark.machineId`).
    static func id(of machineId: Int64) -> UInt32 {
        first + (machineId < MachineUUID.firstWarm ? 0 : UInt32(count)) + UInt32(machineId % count)
    }

    /// The user that the machine's process runs as; `nil` when we are not root: then it is our own.
    static func uid(_ machineId: Int64) -> UInt32? {
        // Safe: can't fail.
        geteuid() == 0 ? id(of: machineId) : nil
    }
}
