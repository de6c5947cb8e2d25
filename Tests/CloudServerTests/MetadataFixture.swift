import CloudControl
import CloudCore
import CloudDatabase
import CloudServer
import CloudTesting
import CloudWire
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Testing

/// A cloud with its metadata service on a real socket. Guests have addresses of the loopback network, all of which
/// this machine may send from; so a test asks as a guest by asking from the guest's address.
struct MetadataFixture: Sendable {
    let cloud: TestCloud
    let service: SocketAddress

    static func with(
        apiUrl: String? = nil, _ body: @escaping @Sendable (MetadataFixture) async throws -> Void
    ) async throws {
        var settings = CloudSettings.test
        settings.privateRange = try #require(IPv4Network("127.64.0.0/10"))
        settings.apiUrl = apiUrl
        try await TestCloud.with(settings: settings) { cloud in
            let (running, isRunning) = AsyncStream<IPv4Endpoint>.makeStream()
            let listener = MetadataListener(
                cloud: cloud.cloud, listen: IPv4Endpoint(address: IPv4Address(0x7f00_0001), port: 0),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                onRunning: { isRunning.yield($0) })
            let server = Task {
                defer { isRunning.finish() }
                try await listener.run()
            }
            var outcome = Result<Void, any Error>.success(())
            do {
                let endpoint = try #require(await running.first { _ in true })
                try await body(
                    MetadataFixture(
                        cloud: cloud,
                        service: try SocketAddress(ipAddress: "\(endpoint.address)", port: endpoint.port)))
            } catch {
                outcome = .failure(error)
            }
            server.cancel()
            _ = await server.result
            try outcome.get()
        }
    }

    /// A compute that runs, and the address of its guest.
    func guest(_ body: String = TestCloud.body(), as key: TestCloud.Key = .of(.owner)) async throws -> (
        id: String, address: String
    ) {
        let id = try await cloud.createAndSettle(body, as: key)
        let compute = try await cloud.send(.get, "/computes/\(id)", as: key)
        return (id, try #require(compute.data?["privateIpv4"]?.string))
    }

    /// The answer to one request, sent from the address.
    func ask(
        _ path: String, from address: String, method: String = "GET", host: String = "169.254.169.254",
        headers: [String] = [], body: String = ""
    ) async throws -> MetadataAnswer {
        let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)", "Connection: close"] + headers
        return try await send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body, from: address)
    }

    /// All that comes back, until the server closes.
    func send(_ text: String, from address: String) async throws -> MetadataAnswer {
        let connection = try await connect(from: address)
        return try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var answer = ByteBuffer()
            for try await part in inbound { answer.writeImmutableBuffer(part) }
            return MetadataAnswer(String(buffer: answer))
        }
    }

    func connect(from address: String) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: try SocketAddress(ipAddress: address, port: 0))
            .connect(to: service) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// The guest's token.
    func token(_ guest: (id: String, address: String)) async throws -> String {
        let answer = try await ask(
            "/metadata/v1/auth-token", from: guest.address, headers: ["X-Resource-ID: \(guest.id)"])
        return try #require(try answer.json["token"]?.string, "\(answer)")
    }
}

/// An answer of HTTP/1.1, taken apart.
struct MetadataAnswer: Sendable {
    var status: Int
    var head: String
    var body: String

    init(_ text: String) {
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        head = String(parts[0])
        body = parts.count == 2 ? String(parts[1]) : ""
        status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    var json: JSONValue { get throws { try JSONValue(parsing: Array(body.utf8)) } }
}
