import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An exclusive lock between processes (flock(2)), held as long as the value lives; the kernel frees it if we die.
final class FileLock: Sendable {
    private static let pollMs = 200
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// `nil` when someone else holds it.
    static func attempt(_ path: String) throws(CloudError) -> FileLock? {
        // Safe: the path is a C string for the call's duration; the descriptor is closed here or by `deinit`.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CloudError(
                .internalServerError, "The host could not open \(path): \(String(cString: strerror(errno))).")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return FileLock(descriptor: descriptor) }
        close(descriptor)
        return nil
    }

    /// Waits at most `timeoutSeconds` for the lock; calls `waiting` once if it has to.
    static func acquire(_ path: String, timeoutSeconds: Int, waiting: () -> Void) async throws -> FileLock {
        if let lock = try attempt(path) { return lock }
        waiting()
        for _ in 0..<(timeoutSeconds * 1000 / pollMs) {
            try await Task.sleep(for: .milliseconds(pollMs))
            if let lock = try attempt(path) { return lock }
        }
        throw CloudError(
            .serviceUnavailable,
            "Another process has held \(path) for \(timeoutSeconds) s. Look for a hanging strettch and end it."
        )
    }
}
