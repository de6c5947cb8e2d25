import CloudCore
import NIOCore
import NIOHTTP1
import Synchronization

/// The one request of a connection, on the side that is asked.
struct LinkExchange: Sendable {
    let connection: AskedConnection
    let limits: LinkLimits
    /// Whether all of the request has come.
    private let isRead = Flag()

    init(_ connection: AskedConnection, _ limits: LinkLimits) {
        self.connection = connection
        self.limits = limits
    }

    /// Throws `LinkFault` when no head comes in time.
    func head() async throws -> HTTPRequestHead {
        switch try await connection.next(within: limits.head) {
        case .head(let head): return head
        case nil: throw LinkFault.closed
        case .body, .end: throw LinkFault.malformed
        }
    }

    /// What comes behind the head.
    var body: ByteStream { ByteStream { try await next() } }

    private func next() async throws -> [UInt8]? {
        guard !isRead.isSet else { return nil }
        switch try await connection.next(within: limits.stall) {
        case .body(let bytes): return Array(bytes.readableBytesView)
        case .end:
            isRead.set()
            return nil
        case nil: throw LinkFault.closed
        case .head: throw LinkFault.malformed
        }
    }

    /// Takes the end of a request that has no body. Throws `BAD_REQUEST` when it has one.
    func expectNoBody() async throws {
        guard try await next() == nil else {
            throw CloudError(.badRequest, "This request has no body.")
        }
    }

    func answer(_ status: HTTPResponseStatus, _ text: String) async throws {
        let bytes = ByteBuffer(string: text)
        try await write(head(status, ["content-length": "\(bytes.readableBytes)"]))
        try await write(.body(.byteBuffer(bytes)))
        try await write(.end(nil))
        try await linger()
    }

    /// Sends the bytes as they come. An error of theirs ends the connection, by which the asker knows that something is missing.
    func answer(_ bytes: ByteStream) async throws {
        try await write(head(.ok, ["transfer-encoding": "chunked"]))
        while let chunk = try await bytes.next() {
            if !chunk.isEmpty { try await write(.body(.byteBuffer(ByteBuffer(bytes: chunk)))) }
        }
        try await write(.end(nil))
    }

    private func head(
        _ status: HTTPResponseStatus, _ fields: HTTPHeaders
    ) -> HTTPServerResponsePart {
        .head(HTTPResponseHead(version: .http1_1, status: status, headers: fields))
    }

    private func write(_ part: HTTPServerResponsePart) async throws {
        try await connection.write(part, within: limits.stall)
    }

    /// An answer that comes before all of a body was read would be lost if the connection were closed with bytes unread. So
    /// they are taken for a while, and thrown away; the asker closes when it has read the answer.
    private func linger() async throws {
        guard !isRead.isSet else { return }
        let end = connection.channel.eventLoop.scheduleTask(in: limits.linger) { connection.close() }
        defer { end.cancel() }
        while try await next() != nil {}
    }
}

/// Something that happens once.
final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }

    /// Whether it was not set before.
    @discardableResult
    func set() -> Bool {
        value.withLock { value in
            defer { value = true }
            return !value
        }
    }
}
