#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The user that a machine's QEMU runs as when we are root: one of its own, which owns no file and is no other machine's.
public enum MachineUser {
    /// The first of those users, unless the operator chooses another: behind all that systemd knows a use for (its "Users,
    /// Groups, UIDs and GIDs").
    public static let first: UInt32 = 0x7000_0000
    /// How many computes have users of their own before the first of them is given out again.
    private static let count: Int64 = 1 << 24

    /// `nil` when we are not root: then QEMU runs as our own user.
    ///
    /// - Parameter machineId: what stands for the machine: its compute's id, or `WarmMark.machineId`.
    static func uid(_ machineId: Int64, first: UInt32) -> UInt32? {
        // Those of guests that are booted ahead lie behind those of all others.
        let start = machineId < MachineUUID.firstWarm ? 0 : UInt32(count)
        // Safe: can't fail.
        return geteuid() == 0 ? first + start + UInt32(machineId % count) : nil
    }
}
