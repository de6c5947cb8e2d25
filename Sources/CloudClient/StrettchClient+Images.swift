import AsyncHTTPClient
import CloudWire
import Foundation
import NIOCore
import NIOHTTP1

/// Images: the catalogue's, and the team's own.
extension StrettchClient {
    /// All images that the team can use.
    /// - Parameter scope: `public` or `team`; `nil`: both.
    public func images(scope: String? = nil) async throws -> EnvelopeWire<[AnyImageWire]> {
        try await call(Call(.GET, "/images\(scope.map { "?scope=\(Self.queryPart($0))" } ?? "")"))
    }

    /// Begins an image of the team's own. A repetition with the same key answers for the same image.
    public func createImage(
        _ image: CreateImageWire, idempotencyKey: UUID
    ) async throws -> EnvelopeWire<TeamImageWire> {
        try await call(Call(.POST, "/images", body: try Self.body(image), idempotencyKey: idempotencyKey))
    }

    public func image(_ slug: String) async throws -> EnvelopeWire<AnyImageWire> {
        try await call(Call(.GET, "/images/\(Self.pathPart(slug))"))
    }

    /// The team's own image as soon as it is in one of the states, or can't come to any of them, or the time is up.
    /// - Parameter seconds: 1 to 60, and less than an attempt may take; `nil`: it is not waited for.
    public func teamImage(
        _ slug: String, waitingFor states: [String] = [], seconds: Int64? = nil
    ) async throws -> EnvelopeWire<TeamImageWire> {
        let wait = Self.queryPart(states.joined(separator: ","))
        let query = seconds.map { "?wait=\(wait)&timeout=\($0)" } ?? ""
        return try await call(Call(.GET, "/images/\(Self.pathPart(slug))\(query)"))
    }

    public func updateImage(_ slug: String, _ update: UpdateImageWire) async throws -> EnvelopeWire<
        TeamImageWire
    > {
        try await call(
            Call(
                .PATCH, "/images/\(Self.pathPart(slug))", body: try Self.body(update), idempotencyKey: UUID())
        )
    }

    public func deleteImage(_ slug: String) async throws -> EnvelopeWire<TeamImageWire> {
        try await call(Call(.DELETE, "/images/\(Self.pathPart(slug))", idempotencyKey: UUID()))
    }

    /// Sends all of an image's file that its host does not have yet, and returns the image as it is then. Goes on where it
    /// broke off, as often as bytes still come.
    /// - Parameters:
    ///   - image: one that is UPLOADING; `received` says where to begin.
    ///   - onProgress: called with the bytes that were sent, now and then.
    public func upload(
        _ image: TeamImageWire, from file: ImageUpload,
        onProgress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws -> TeamImageWire {
        var (image, failures, conflicts) = (image, 0, 0)
        while true {
            // A host that has lost bytes refuses to go on behind them.
            let received = conflicts < 2 ? Int64(image.received ?? 0) : 0
            do {
                return try await send(image.image, file, from: received, onProgress)
            } catch let failure as ClientError where Self.mayPass(failure) || Self.maySettle(failure) {
                failures += 1
                conflicts = failure.status == 409 ? conflicts + 1 : 0
                guard failures < options.retry.attempts else { throw failure }
                try await options.clock.sleep(
                    for: options.retry.delay(
                        afterAttempt: failures, retryAfterSeconds: nil, random: .random(in: 0..<1)))
                image = try await teamImage(image.image).data
                // What was lost was the answer alone.
                guard image.state == "UPLOADING" else { return image }
                if Int64(image.received ?? 0) > received { failures = 0 }
            }
        }
    }

    /// Whether what refused a part of an upload may be over soon: the server waited for bytes that did not come, or still has
    /// the request that broke off.
    private static func maySettle(_ failure: ClientError) -> Bool {
        failure.kind == .refused && [408, 409].contains(failure.status)
    }

    /// Sends the rest of the file in one request.
    private func send(
        _ slug: String, _ file: ImageUpload, from offset: Int64,
        _ onProgress: @escaping @Sendable (Int64) -> Void
    ) async throws -> TeamImageWire {
        var request = request(Call(.PUT, "/images/\(Self.pathPart(slug))/content?offset=\(offset)"))
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.body = .stream(
            try file.chunks(from: offset, onProgress), length: .known(max(0, file.size - offset)))
        let answer = try await collect(try await execute(request, within: .hours(Self.uploadHours)))
        guard (200..<300).contains(answer.status) else { throw refusal(answer) }
        do {
            return try JSONDecoder().decode(EnvelopeWire<TeamImageWire>.self, from: Data(answer.body)).data
        } catch {
            throw ClientError.unreadable(
                url, status: answer.status, reason: "the body is not what it should be")
        }
    }

    /// The longest that one request of an upload may take: as long as the server waits for all of it.
    private static let uploadHours: Int64 = 24
}

/// A file that is uploaded.
public struct ImageUpload: Sendable {
    /// Bytes that are read, and sent, at a time.
    static let chunkBytes = 256 << 10

    public let path: String
    /// Bytes of the file when it was looked at.
    public let size: Int64

    /// Throws `ClientError` when the file can't be read.
    public init(path: String) throws {
        self.path = path
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }  // a file that was only read has nothing to lose
            size = Int64(try file.seekToEnd())
        } catch {
            throw Self.unreadable(path)
        }
    }

    /// The file's bytes from `offset` on, as they are asked for.
    func chunks(
        from offset: Int64, _ onProgress: @escaping @Sendable (Int64) -> Void
    ) throws -> AsyncThrowingStream<ByteBuffer, any Error> {
        let reader = try FileReader(path: path, from: offset)
        return AsyncThrowingStream { try await reader.next(onProgress) }
    }

    static func unreadable(_ path: String) -> ClientError {
        ClientError(
            .unconfigured, code: "UNREADABLE_FILE",
            message: "\(path) can't be read. Check its name and its mode.")
    }
}

/// Reads a file chunk by chunk, off the threads of whoever sends it.
private actor FileReader {
    private let path: String
    private let file: FileHandle
    private var offset: Int64

    init(path: String, from offset: Int64) throws {
        (self.path, self.offset) = (path, offset)
        do {
            file = try FileHandle(forReadingFrom: URL(filePath: path))
            try file.seek(toOffset: UInt64(offset))
        } catch {
            throw ImageUpload.unreadable(path)
        }
    }

    deinit { try? file.close() }  // a file that was only read has nothing to lose

    func next(_ onProgress: (Int64) -> Void) throws -> ByteBuffer? {
        onProgress(offset)
        let bytes: Data?
        do {
            bytes = try file.read(upToCount: ImageUpload.chunkBytes)
        } catch {
            throw ImageUpload.unreadable(path)
        }
        guard let bytes, !bytes.isEmpty else { return nil }
        offset += Int64(bytes.count)
        return ByteBuffer(bytes: bytes)
    }
}
