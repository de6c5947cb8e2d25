import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What machines' disks took at the last look, while space is short. Only compared with the next look, so nothing is lost
/// with it.
final class DiskGrowth: Sendable {
    private let last = Mutex<[Int64: UInt64]>([:])

    /// The machines whose disks have grown by more than `allowance` bytes since the last look, and remembers this one. One
    /// that is seen for the first time has not grown.
    func grown(_ sizes: [Int64: UInt64], allowance: UInt64) -> [Int64] {
        last.withLock { last in
            defer { last = sizes }
            return sizes.filter { id, size in
                guard let before = last[id], size > before else { return false }
                return size - before > allowance
            }.map(\.key).sorted()
        }
    }

    /// There is space enough.
    func forget() { last.withLock { $0 = [:] } }

    /// Bytes that a file takes on its file system; `nil` when it is not there.
    static func allocated(_ path: String) -> UInt64? {
        var status = stat()
        // Safe: writes to the local alone. A block is 512 bytes whatever the file system's are (stat(2)).
        return lstat(path, &status) == 0 ? UInt64(status.st_blocks) * 512 : nil
    }
}
