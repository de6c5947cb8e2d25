import CloudCore
import NIOCore
import NIOHTTP1

/// The one request of a connection, on the side that asks.
struct LinkAsk: Sendable {
    let connection: AskingConnection
    let way: LinkWay
    let limits: LinkLimits

    /// What came of sending.
    private enum Progress: Sendable {
        case sent
        /// Where the body comes from has failed.
        case sourceFailed(any Error)
        /// The other side took no more; its answer says why, if there is one.
        case cutOff
        case answered(Answer)
    }

    /// An answer that is no stream.
    private struct Answer: Sendable {
        var status: HTTPResponseStatus
        var bytes: [UInt8]
    }

    // MARK: With a body

    /// Sends the bytes as they are taken, and returns the answer's text. Throws what the desk throws, and what `bytes` throws.
    func send(_ path: String, _ bytes: ByteStream) async throws -> String {
        try await translated {
            try await connection.write(
                head(.PUT, path, ["transfer-encoding": "chunked"]), within: limits.stall)
            let whole = try await withThrowingTaskGroup(of: Progress.self) { group in
                group.addTask { await send(bytes) }
                group.addTask { .answered(try await answer()) }
                return try await Self.answer(of: &group, connection)
            }
            return try text(whole)
        }
    }

    /// The answer may come before all was sent; then the rest is not.
    private static func answer(
        of group: inout ThrowingTaskGroup<Progress, any Error>, _ connection: AskingConnection
    ) async throws -> Answer {
        // Whatever is still waited for ends with the connection.
        defer { connection.close() }
        while let progress = try await group.next() {
            switch progress {
            case .sent, .cutOff: continue
            case .sourceFailed(let error): throw SourceFailure(error: error)
            case .answered(let answer):
                connection.close()
                group.cancelAll()
                return answer
            }
        }
        throw LinkFault.closed
    }

    private func send(_ bytes: ByteStream) async -> Progress {
        while true {
            let chunk: [UInt8]?
            do { chunk = try await bytes.next() } catch { return .sourceFailed(error) }
            do {
                guard let chunk else {
                    try await connection.write(.end(nil), within: limits.stall)
                    expectAnswer()
                    return .sent
                }
                if !chunk.isEmpty {
                    try await connection.write(
                        .body(.byteBuffer(ByteBuffer(bytes: chunk))), within: limits.stall)
                }
            } catch {
                return .cutOff
            }
        }
    }

    /// From the end of the request on, the answer has a limit.
    private func expectAnswer() {
        let channel = connection.channel
        let alarm = channel.eventLoop.scheduleTask(in: limits.answer) {
            channel.pipeline.fireErrorCaught(LinkFault.stalled)
        }
        channel.closeFuture.whenComplete { _ in alarm.cancel() }
    }

    // MARK: Without a body

    /// Asks, and returns the answer's text. Throws what the desk throws.
    func get(_ path: String) async throws -> String {
        defer { connection.close() }
        return try await translated {
            try await ask(path)
            return try text(try await answer())
        }
    }

    /// Asks, and returns the answer's bytes as they come. Throws what the desk throws. The connection is closed at the end, and
    /// when nobody has the stream any more.
    func stream(_ path: String) async throws -> ByteStream {
        do {
            return try await translated {
                try await ask(path)
                let status = try await status(within: limits.answer)
                guard status == .ok else {
                    _ = try text(Answer(status: status, bytes: try await rest()))
                    throw LinkFault.malformed
                }
                let source = AnswerBody(self)
                return ByteStream { try await source.next() }
            }
        } catch {
            connection.close()
            throw error
        }
    }

    /// All at once: the other side may answer and close as soon as it has the head.
    private func ask(_ path: String) async throws {
        try await connection.write(.end(nil), after: head(.GET, path, [:]), within: limits.stall)
    }

    // MARK: Parts

    private func head(_ method: HTTPMethod, _ path: String, _ fields: HTTPHeaders) -> HTTPClientRequestPart {
        .head(HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: fields))
    }

    private func status(within limit: TimeAmount?) async throws -> HTTPResponseStatus {
        switch try await connection.next(within: limit) {
        case .head(let head): return head.status
        case nil: throw LinkFault.closed
        case .body, .end: throw LinkFault.malformed
        }
    }

    /// The next bytes of the answer; `nil` at its end.
    func next() async throws -> ByteBuffer? {
        switch try await connection.next(within: limits.stall) {
        case .body(let bytes): return bytes
        case .end: return nil
        case nil: throw LinkFault.closed
        case .head: throw LinkFault.malformed
        }
    }

    /// The answer, whenever it comes: a request that is under way has limits of its own.
    private func answer() async throws -> Answer {
        Answer(status: try await status(within: nil), bytes: try await rest())
    }

    private func rest() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try await next() {
            guard bytes.count + part.readableBytes <= limits.answerBytes else { throw LinkFault.malformed }
            bytes += part.readableBytesView
        }
        return bytes
    }

    private func text(_ answer: Answer) throws -> String {
        guard answer.status == .ok else {
            if let error = LinkError.read(answer.bytes) { throw error }
            throw LinkFault.malformed
        }
        return String(decoding: answer.bytes, as: UTF8.self)
    }
}
