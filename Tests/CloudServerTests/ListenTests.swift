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
        (.unix(path: "/run/s"), true), (.tcp(host: "0.0.0.0", port: 1), false),
        (.tcp(host: "10.0.0.1", port: 1), false), (.tcp(host: "example.org", port: 1), false),
    ]

    @Test("an address is local when this machine alone reaches it", arguments: addresses)
    func isLocal(_ listen: CloudServer.Listen, isLocal: Bool) { #expect(listen.isLocal == isLocal) }

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
