import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An open file that is read from its beginning to its end.
final class FileReader {
    private let descriptor: Int32
    private let path: String

    /// `nil` when the file can't be opened.
    init?(_ path: String) {
        // Safe: the path is a C string for the call's duration; `deinit` closes the descriptor.
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        self.path = path
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// At most `limit` bytes; `nil` at the end.
    func next(_ limit: Int) throws(CloudError) -> [UInt8]? {
        var count = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            // Safe: reads at most the buffer's capacity into it.
            count = read(descriptor, buffer.baseAddress, limit)
            filled = max(0, count)
        }
        guard count >= 0 else {
            throw CloudError(
                .internalServerError, "The host could not read \(path): \(String(cString: strerror(errno))).")
        }
        return count == 0 ? nil : chunk
    }
}
