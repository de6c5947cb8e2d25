import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The free space of a file system that guests may not take, so that the database and the host can always write
/// (docs/decisions/0030).
public struct DiskReserve: Sendable, Equatable {
    /// Bytes.
    public var bytes: UInt64

    public init(bytes: UInt64) { self.bytes = bytes }

    /// A fiftieth of the file system, from 1 to 4 GiB, and never more than a tenth: more than guests write between two looks,
    /// and little enough for a small disk.
    public init(ofFileSystem size: UInt64) { bytes = min(max(size / 50, 1 << 30), 4 << 30, size / 10) }

    /// Between two looks at the free space: the time in which a guest that writes 4 GiB/s takes all of the reserve.
    public var lookInterval: Duration {
        let wholeMs = min(bytes, Self.fastest) * 1000 / Self.fastest
        return .milliseconds(min(max(Self.shortestIntervalMs, wholeMs), Self.longestIntervalMs))
    }

    private static let fastest: UInt64 = 4 << 30
    private static let shortestIntervalMs: UInt64 = 20
    private static let longestIntervalMs: UInt64 = 250

    /// Free space from which guests that were held may go on: a little more than the reserve, so that they don't stop
    /// again at once.
    var goesOnAt: UInt64 { bytes + bytes / 8 }

    /// How much a guest's disk may grow between two looks when that much is free: whoever writes little is left alone as
    /// long as there is half of the reserve.
    func allowance(free: UInt64) -> UInt64 {
        switch free {
        case ..<(bytes / 2): 0
        case ..<bytes: Self.littleGrowth
        default: .max
        }
    }

    private static let littleGrowth: UInt64 = 8 << 20
}

/// How much there is on a file system, in bytes.
public struct DiskSpace: Sendable, Equatable {
    public var size: UInt64
    /// What others than root can still take.
    public var free: UInt64

    public init(size: UInt64, free: UInt64) {
        self.size = size
        self.free = free
    }

    /// Of the file system that the path is on. Throws `SERVICE_UNAVAILABLE`.
    public init(at path: String) throws(CloudError) {
        var found = statvfs()
        // Safe: writes to the local alone.
        guard statvfs(path, &found) == 0 else {
            throw CloudError(
                .serviceUnavailable, "The host's free space can't be read.",
                detail: "\(path): \(String(cString: strerror(errno)))")
        }
        self.init(
            size: UInt64(found.f_blocks) * UInt64(found.f_frsize),
            free: UInt64(found.f_bavail) * UInt64(found.f_frsize))
    }
}

/// What a host's look at its free space came to.
public struct SpaceReport: Sendable, Equatable {
    public var space: DiskSpace
    public var reserve: DiskReserve
    /// Machines whose guests were held at this look.
    public var held: [Int64]

    public init(space: DiskSpace, reserve: DiskReserve, held: [Int64] = []) {
        self.space = space
        self.reserve = reserve
        self.held = held
    }
}
