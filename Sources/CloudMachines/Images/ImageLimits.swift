import CloudCore

/// The bounds of all that an image store does.
public struct ImageLimits: Sendable {
    /// Bytes of the largest file that is downloaded or imported, before and after it is converted.
    public var maxImageBytes: Int64 = 32 << 30
    /// Bytes of the largest disk that an image may show to its guest, whatever its file takes.
    public var maxVirtualBytes: Int64 = 1 << 40
    /// Seconds for one download with all its retries.
    public var downloadSeconds = 3600
    /// Seconds without a byte after which a connection counts as dead.
    public var stallSeconds = 60
    /// How often a download is tried before it fails.
    public var downloadAttempts = 5
    /// The pause before the second try; it doubles with each further one, up to `maxBackoffMs`.
    public var firstBackoffMs = 1000
    public var maxBackoffMs = 30_000
    /// How long a failure is remembered before `status` tries again by itself.
    public var failureMemoryMs: Int64 = 60_000
    /// Seconds that another process may hold an image's lock before we give up waiting.
    public var lockSeconds = 3600
    /// Bytes that must stay free beside what the image itself takes.
    public var reserveBytes: UInt64 = 256 << 20
    /// Free bytes on the file system of a folder; the host's own answer unless a test brings another.
    public var freeBytes: @Sendable (String) throws(CloudError) -> UInt64 = HostFiles.freeBytes

    public init() {}

    /// Bytes that an image may grow to in the folder: no more than `maxImageBytes`, and the reserve stays free.
    func room(in folder: String) throws(CloudError) -> Int64 {
        let free = try freeBytes(folder)
        return min(maxImageBytes, Int64(clamping: free > reserveBytes ? free - reserveBytes : 0))
    }

    /// Throws when `folder`'s file system has not `bytes` and the reserve left.
    func checkSpace(_ folder: String, bytes: UInt64, what: String) throws(CloudError) {
        let free = try freeBytes(folder)
        let needed = bytes + reserveBytes
        guard free < needed else { return }
        throw CloudError(
            .serviceUnavailable,
            """
            \(what) needs \(needed >> 20) MiB and \(folder) has \(free >> 20) MiB free. Free some space, or move the \
            data folder to a larger disk.
            """)
    }
}
