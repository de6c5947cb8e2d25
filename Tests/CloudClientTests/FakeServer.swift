import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// A request as it reached the fake server.
struct FakeRequest: Sendable {
    var method: String
    /// With its query.
    var target: String
    var headers: HTTPFields
    var body: String

    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
}

/// What the fake server does with a request.
enum FakeAnswer: Sendable {
    case answer(Int, String, headers: [String: String] = [:])
    /// Closes the connection without an answer.
    case drop
}

/// A server that answers as a test says, and remembers what it was asked.
final class FakeServer: Sendable {
    /// The requests so far, oldest first.
    var requests: [FakeRequest] { log.withLock { $0 } }

    private let log = Mutex<[FakeRequest]>([])
    /// Decides by the request and how many came before it.
    private let decide: @Sendable (FakeRequest, Int) -> FakeAnswer

    private init(decide: @escaping @Sendable (FakeRequest, Int) -> FakeAnswer) { self.decide = decide }

    /// Serves on a free port of the loopback, or on a socket, while `body` runs with the server and its port.
    static func with(
        socket: String? = nil, decide: @escaping @Sendable (FakeRequest, Int) -> FakeAnswer,
        _ body: @escaping @Sendable (FakeServer, Int) async throws -> Void
    ) async throws {
        let server = FakeServer(decide: decide)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: server.router(),
            configuration: .init(
                address: socket.map { .unixDomainSocket(path: $0) } ?? .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "fake") { _ in SwiftLogNoOpLogHandler() })
        let services = ServiceGroup(
            services: [application], logger: Logger(label: "fake") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var running = ports.makeAsyncIterator()
            let port = await running.next() ?? 0
            do {
                try await body(server, port)
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    private func router() -> Router<FakeContext> {
        let router = Router(context: FakeContext.self)
        for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete] {
            router.on("**", method: method) { request, context in try await self.respond(request, context) }
        }
        return router
    }

    private func respond(_ request: Request, _ context: FakeContext) async throws -> Response {
        let body = try await request.body.collect(upTo: 1 << 20)
        let received = FakeRequest(
            method: request.method.rawValue, target: request.uri.string, headers: request.headers,
            body: String(buffer: body))
        let before = log.withLock { log in
            log.append(received)
            return log.count - 1
        }
        switch decide(received, before) {
        case .drop:
            try await context.channel.close()
            throw CancellationError()
        case .answer(let status, let body, let headers):
            var fields: HTTPFields = [.contentType: "application/json"]
            for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
            return Response(
                status: .init(code: status), headers: fields,
                body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
        }
    }
}

/// Lets a handler close its connection.
private struct FakeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}
