import CloudControl
import CloudCore
import CloudDatabase
import CloudServer
import CloudTesting
import Logging
import NIOCore
import NIOPosix
import Testing

@Suite("The listener")
struct ListenTests {
    static let addresses: [(CloudServer.Listen, Bool)] = [
        (.tcp(host: "127.0.0.1", port: 1), true), (.tcp(host: "127.8.0.1", port: 1), true),
        (.tcp(host: "localhost", port: 1), true), (.tcp(host: "::1", port: 1), true),
        (.tcp(host: "0:0::1", port: 1), true), (.tcp(host: "::ffff:127.0.0.1", port: 1), true),
        (.tcp(host: "::", port: 1), false), (.tcp(host: "::2", port: 1), false),
        (.tcp(host: "LOCALHOST", port: 1), true),
        (.unix(path: "/run/s"), true), (.tcp(host: "0.0.0.0", port: 1), false),
        (.tcp(host: "10.0.0.1", port: 1), false), (.tcp(host: "example.org", port: 1), false),
    ]

    @Test("an address is local when this machine alone reaches it", arguments: addresses)
    func isLocal(_ listen: CloudServer.Listen, isLocal: Bool) { #expect(listen.isLocal == isLocal) }

    static let texts: [(String, CloudServer.Listen?)] = [
        ("127.0.0.1:8080", .tcp(host: "127.0.0.1", port: 8080)),
        ("0.0.0.0:0", .tcp(host: "0.0.0.0", port: 0)),
        ("[::1]:8080", .tcp(host: "::1", port: 8080)), ("[::]:65535", .tcp(host: "::", port: 65535)),
        ("localhost:1", .tcp(host: "localhost", port: 1)),
        ("a-b.example:1", .tcp(host: "a-b.example", port: 1)),
        ("4a.example:1", .tcp(host: "4a.example", port: 1)), ("unix:/run/s", .unix(path: "/run/s")),
        ("unix:s:1", .unix(path: "s:1")),
        ("::0:8080", nil), ("::1:8080", nil), (":::8080", nil), ("::", nil), (":8080", nil), ("8080", nil),
        ("0:8080", nil), ("127.1:8080", nil), ("2130706433:8080", nil), ("0x7f.1:8080", nil),
        ("1.2.3.4.5:1", nil),
        ("127.0.0.01:1", nil), ("256.0.0.1:1", nil), ("a.0x7f:1", nil), ("a.1:1", nil), ("*:8080", nil),
        ("127.0.0.1", nil), ("127.0.0.1:", nil), ("127.0.0.1:+80", nil), ("127.0.0.1:-1", nil),
        ("127.0.0.1:65536", nil), ("127.0.0.1:080", nil), ("127.0.0.1:80 ", nil), (" 127.0.0.1:80", nil),
        ("127.0.0.1:8080:1", nil), ("[127.0.0.1]:80", nil), ("[::1]", nil), ("[::1]:", nil), ("::1]:80", nil),
        ("[::1:80", nil), ("[fe80::1%lo]:80", nil), ("[]:80", nil), ("http://127.0.0.1:80", nil),
        ("unix:", nil),
        ("a..b:1", nil), ("-a:1", nil), ("a_b:1", nil), ("", nil), (":", nil), ("é:1", nil),
    ]

    @Test("an address is read strictly, so that none is listened on that nobody meant", arguments: texts)
    func parsed(_ text: String, listen: CloudServer.Listen?) {
        #expect(CloudServer.Listen(text) == listen)
        if let listen { #expect("\(listen)" == text) }
    }

    @Test("listens on IPv6, and says so in a form that clients take", .timeLimit(.minutes(1)))
    func ipv6() async throws {
        try await ListeningCloud.with(host: "::1") { cloud in
            #expect(cloud.address == "http://[::1]:\(cloud.port)")
            let said = try await cloud.curl(["--globoff"])
            #expect(said.contains("\"success\":true"))
        }
        try await ListeningCloud.with(host: "::") { cloud in
            for host in ["127.0.0.1", "[::1]"] {
                let said = try await cloud.curl(["--globoff", "http://\(host):\(cloud.port)/api/v1/health"])
                #expect(said.contains("\"success\":true"))
            }
        }
        #expect(CloudServer.Listen.tcp(host: "::", port: 1).asClient == .tcp(host: "::1", port: 1))
        #expect(CloudServer.Listen.tcp(host: "0:0::0", port: 1).asClient == .tcp(host: "::1", port: 1))
        #expect(CloudServer.Listen.tcp(host: "0.0.0.0", port: 1).asClient == .tcp(host: "127.0.0.1", port: 1))
        #expect(CloudServer.Listen.tcp(host: "::2", port: 1).asClient == .tcp(host: "::2", port: 1))
    }

    @Test("a port that another program has is a conflict that names it")
    func portInUse() async throws {
        try await withTemporaryFolder { folder in
            let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(other.localAddress?.port)
            let error = await failure(.tcp(host: "127.0.0.1", port: port), folder)
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("127.0.0.1:\(port)") == true)
            try await other.close()
        }
    }

    @Test("a unix socket that another program answers on is left to it")
    func liveSocket() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/s"
            let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(unixDomainSocketPath: path).get()
            #expect(await failure(.unix(path: path), folder)?.code == .conflict)
            let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path).get()
            try await client.close()
            try await other.close()
        }
    }

    @Test("a unix socket that a killed server left behind is replaced", .timeLimit(.minutes(1)))
    func deadSocket() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/s"
            let dead = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(unixDomainSocketPath: path).get()
            try await dead.close()  // leaves the file, as a kill does
            let (running, isRunning) = AsyncStream<String>.makeStream()
            let server = Task {
                try await listener(.unix(path: path), folder) { isRunning.yield($0) }.run()
            }
            #expect(await running.first { _ in true } == "unix:\(path)")
            server.cancel()
            _ = await server.result
        }
    }

    @Test("an address that can't be used is named, with the way out")
    func unusable() async throws {
        try await withTemporaryFolder { folder in
            for listen in [
                CloudServer.Listen.tcp(host: "192.0.2.1", port: 1), .unix(path: "\(folder)/none/s"),
                .unix(path: "/tmp/" + String(repeating: "a", count: 200)), .unix(path: folder),
            ] {
                let error = await failure(listen, folder)
                #expect(error?.code == .validationError)
                #expect(error?.message.contains("\(listen)") == true)
                #expect(error?.message.contains("--listen") == true)
            }
        }
    }

    private func failure(_ listen: CloudServer.Listen, _ folder: String) async -> CloudError? {
        await #expect(throws: CloudError.self) { try await listener(listen, folder).run() }
    }

    private func listener(
        _ listen: CloudServer.Listen, _ folder: String,
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) throws -> CloudListener {
        let cloud = Cloud(
            database: try SQLiteDatabase(path: "\(folder)/db"), catalogue: .test, settings: .test,
            randomBytes: { [UInt8](repeating: 7, count: $0) }, wake: {})
        return CloudListener(
            cloud: cloud, settings: .init(listen: listen),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onRunning: onRunning)
    }
}
