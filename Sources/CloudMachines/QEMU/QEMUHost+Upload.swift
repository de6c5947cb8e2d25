import CloudCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files of images that come from a client, or go to another host.
extension QEMUHost {
    public func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        let folder = try await claim(image)
        guard let writer = uploads.begin(image.id) else {
            throw CloudError(
                .conflict, "Another request sends bytes of this image. Wait for it to end, or end it.")
        }
        defer { uploads.end(image.id, writer) }
        guard imageWork.look(at: image) == nil, try made(image, folder) == nil else {
            throw CloudError(.conflict, "All of the image's bytes are on the host; it is made of them.")
        }
        let upload = try Upload(
            folder.upload, size: size, offset: offset,
            mayWrite: { [self] in
                guard uploads.isCurrent(image.id, writer) else {
                    throw CloudError(.conflict, "The image has been deleted meanwhile.")
                }
                if let why = try reserveIsTouched() { throw Self.noSpace(why) }
            })
        if let why = try noRoom(for: UInt64(size - offset), folder.upload) { throw Self.noSpace(why) }
        return try await upload.take(bytes)
    }

    private static func noSpace(_ why: String) -> CloudError {
        CloudError(
            .serviceUnavailable, "The upload can't go on: \(why). What has come is kept; try again later.")
    }

    public func file(
        _ name: String, of image: ImageOnHost, from offset: Int64
    ) async throws -> ByteStream {
        let folder = folder(ofImage: image.id)
        guard case .installed(let manifest, let content) = folder.state(),
            image.createdAtMs == 0 || manifest.origin == ImageManifest.cellOrigin(image),
            name == ImageManifest.fileName || manifest.files.contains(where: { $0.name == name })
        else {
            throw CloudError(
                .resourceNotFound,
                "The host has no whole image \(image.id) with a file '\(name.shown)'. Ask the operator to look at it.",
                detail: folder.path)
        }
        let file = try OpenFile.regular("\(content)/\(name)")
        guard offset >= 0, offset <= HostFiles.stamp("\(content)/\(name)")?.size ?? 0 else {
            throw CloudError(.badRequest, "\(name.shown) has no byte \(offset). Read it from its beginning.")
        }
        return file.stream(from: offset)
    }
}

/// A file that a client sends, in parts.
struct Upload: Sendable {
    private let path: String
    private let file: OpenFile
    private let size: Int64
    private let offset: Int64
    /// Throws when no more may be written.
    private let mayWrite: @Sendable () throws -> Void

    /// Opens what has come, or makes it. Throws `CONFLICT` when `offset` is beyond that, and `PAYLOAD_TOO_LARGE` beyond `size`.
    init(
        _ path: String, size: Int64, offset: Int64, mayWrite: @escaping @Sendable () throws -> Void
    ) throws {
        self.path = path
        file =
            MachineFiles.exists(path)
            ? try OpenFile.regular(path, writable: true, isAlone: true) : try OpenFile.new(path)
        self.size = size
        self.offset = offset
        self.mayWrite = mayWrite
        let received = received
        guard offset >= 0, offset <= received else {
            throw CloudError(
                .conflict,
                "\(received) bytes of the image have come, and these begin at \(offset). Go on with offset=\(received)."
            )
        }
        guard received <= size, offset <= size else { throw tooLarge }
    }

    private var received: Int64 { HostFiles.stamp(path)?.size ?? 0 }

    private var tooLarge: CloudError {
        CloudError(
            .payloadTooLarge,
            "The image was announced with \(size) bytes, and more came. Send no more, or create it with the right size."
        )
    }

    /// Writes what comes, and returns how many bytes are there then: on the disk, whatever happens next.
    func take(_ bytes: ByteStream) async throws -> Int64 {
        do {
            var position = offset
            while let chunk = try await bytes.next() {
                guard position + Int64(chunk.count) <= size else { throw tooLarge }
                try mayWrite()
                try write(chunk, at: position)
                position += Int64(chunk.count)
            }
        } catch {
            try await keep()
            throw error
        }
        try await keep()
        return received
    }

    /// A task of its own waits for the disk, since whoever sends may have gone.
    private func keep() async throws {
        let file = file
        try await Task { try await HostEffect.keepUpload.make { try await DiskCopy.sync(file) } }.value
    }

    private func write(_ chunk: [UInt8], at position: Int64) throws(CloudError) {
        var done = 0
        while done < chunk.count {
            // Safe: reads no further than the array's end.
            let count = chunk.withUnsafeBytes {
                pwrite(
                    file.descriptor, $0.baseAddress.map { $0 + done }, chunk.count - done,
                    off_t(position + Int64(done)))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw OpenFile.failure("write", path, String(cString: strerror(errno)))
            }
            done += count
        }
    }
}

extension OpenFile {
    private static let chunkBytes = 1 << 20

    /// What is in a file from an offset on.
    func stream(from offset: Int64) -> ByteStream {
        let position = StreamPosition(offset)
        return ByteStream { [self] in
            let chunk = try part(at: position.value.withLock { $0 }, Self.chunkBytes)
            position.value.withLock { $0 += Int64(chunk.count) }
            return chunk.isEmpty ? nil : chunk
        }
    }

    /// At most `limit` bytes from an offset on; empty at the end.
    private func part(at offset: Int64, _ limit: Int) throws(CloudError) -> [UInt8] {
        var count = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            // Safe: reads at most the buffer's capacity into it.
            count = pread(descriptor, buffer.baseAddress, limit, off_t(offset))
            filled = max(0, count)
        }
        guard count >= 0 else {
            throw Self.failure("read", "an image's file", String(cString: strerror(errno)))
        }
        return chunk
    }
}

/// Where a stream goes on.
private final class StreamPosition: Sendable {
    let value: Mutex<Int64>

    init(_ first: Int64) { value = Mutex(first) }
}
