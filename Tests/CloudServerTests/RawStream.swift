import AsyncHTTPClient
import CloudTesting
import NIOCore
import NIOHTTP1
import Synchronization

/// A stream of events as its bytes come. The connection is closed when nobody holds it any more.
final class RawStream: Sendable {
    let status: Int
    private let head: (target: String, key: String, headers: [(name: String, value: String)])
    private let received: Received
    /// Reads all the time, so that nothing is held back.
    private let reading: Task<Void, any Error>

    var text: String { received.text }

    /// One for all tests, which is never shut down; a test has many streams open.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Sends the request and returns when the head of its answer is there.
    static func open(
        _ url: String, _ key: String, query: String = "", headers: [String: String] = [:]
    ) async throws -> RawStream {
        let target = "/api/v1/events\(query)"
        var request = HTTPClientRequest(url: url + target)
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await http.execute(request, timeout: .seconds(30))
        return RawStream(response, target: target, key: key)
    }

    private init(_ response: HTTPClientResponse, target: String, key: String) {
        status = Int(response.status.code)
        head = (target, key, response.headers.map { (name: $0.name, value: $0.value) })
        let received = Received()
        self.received = received
        reading = Task {
            for try await buffer in response.body { received.append(String(buffer: buffer)) }
        }
    }

    deinit { reading.cancel() }

    /// Returns once `part` has come.
    func read(until part: String) async throws {
        try await eventually("'\(part)' comes") { text.contains(part) }
    }

    /// Returns at the end of the answer. Throws when it is broken off.
    func readToEnd() async throws { try await reading.value }

    /// What went over the wire so far.
    var exchange: OpenAPIExchange {
        OpenAPIExchange(
            method: "GET", target: head.target,
            requestHeaders: [(name: "Authorization", value: "Bearer \(head.key)")], status: status,
            responseHeaders: head.headers, responseBody: Array(text.utf8))
    }

    private final class Received: Sendable {
        private let received = Mutex("")
        var text: String { received.withLock { $0 } }
        func append(_ part: String) { received.withLock { $0 += part } }
    }
}
