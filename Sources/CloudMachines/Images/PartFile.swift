import CloudCore
import Crypto
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The file that a download is written to, and its digest, which is computed on the way.
final class PartFile {
    private let descriptor: Int32
    private let path: String
    private let algorithm: DigestAlgorithm
    private var hash: any HashFunction
    /// Bytes so far.
    private(set) var size: Int64 = 0

    /// Opens the file, makes it when it is missing, and reads what it has, to hash it.
    init(_ path: String, _ algorithm: DigestAlgorithm) throws(CloudError) {
        self.path = path
        self.algorithm = algorithm
        hash = algorithm.hash()
        // Safe: the path is a C string for the call's duration; `deinit` closes the descriptor.
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("open") }
        try FileDigest.update(&hash, with: path)
        size = Int64(lseek(descriptor, 0, SEEK_END))
    }

    deinit { close(descriptor) }

    /// Empties the file.
    func restart() throws(CloudError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw failure("empty")
        }
        hash = algorithm.hash()
        size = 0
    }

    func append(_ buffer: ByteBuffer) throws(CloudError) {
        let written = buffer.withUnsafeReadableBytes { bytes in
            hash.update(bufferPointer: bytes)
            var done = 0
            while done < bytes.count {
                // Safe: reads no further than the buffer's end.
                let count = write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        guard written else { throw failure("write") }
        size += Int64(buffer.readableBytes)
    }

    /// The digest of all bytes so far, which are on the disk when this returns.
    func finish() throws(CloudError) -> String {
        guard fsync(descriptor) == 0 else { throw failure("write") }
        return FileDigest.hex(hash.finalize())
    }

    private func failure(_ verb: String) -> CloudError {
        CloudError(
            .internalServerError, "The host could not \(verb) \(path): \(String(cString: strerror(errno))).")
    }
}
