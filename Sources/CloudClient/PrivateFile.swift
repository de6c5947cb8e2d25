import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes files that are for their owner's eyes alone.
public enum PrivateFile {
    /// Why a file could not be written, in the system's words.
    public struct Failure: Error {
        public var reason: String
    }

    /// Replaces the file at once, mode 600 from its first moment on, on disk when this returns. Its folder must be there.
    public static func replace(_ path: String, with bytes: Data) throws(Failure) {
        let temporary = path + ".\(UUID().uuidString.prefix(8)).new"
        // Safe: the path is copied for the call.
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw lastError }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try file.write(contentsOf: bytes)
            try file.synchronize()
            try file.close()
        } catch {
            // Safe: names our own file. If it fails the file stays behind, readable by us alone.
            unlink(temporary)
            throw Failure(reason: error.localizedDescription)
        }
        // Safe: both paths are copied for the call.
        guard rename(temporary, path) == 0 else {
            let failure = lastError
            unlink(temporary)  // safe: as above
            throw failure
        }
    }

    /// What the last failed C call said.
    private static var lastError: Failure {
        Failure(reason: String(cString: strerror(errno)))  // safe: copied at once
    }
}
