import CloudCore
import CloudServer
import CloudTesting
import Logging
import Testing

@Suite("Where the metadata service listens")
struct MetadataListenTests {
    private func listener(
        _ cloud: TestCloud, _ listen: IPv4Endpoint,
        onRunning: @escaping @Sendable (IPv4Endpoint) async -> Void = { _ in }
    ) -> MetadataListener {
        MetadataListener(
            cloud: cloud.cloud, listen: listen,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onRunning: onRunning)
    }

    @Test(
        "may be no address of the host yet; where it listens, no other program does", .timeLimit(.minutes(1)))
    func listens() async throws {
        try await TestCloud.with { cloud in
            let (running, isRunning) = AsyncStream<IPv4Endpoint>.makeStream()
            // TEST-NET-1 (RFC 5737): nobody's address.
            let nobody = IPv4Endpoint(address: IPv4Address(0xC000_0201), port: 0)
            let first = Task {
                defer { isRunning.finish() }
                try await listener(cloud, nobody) { isRunning.yield($0) }.run()
            }
            let endpoint = try #require(await running.first { _ in true }, "it did not listen")
            #expect(endpoint.address == nobody.address && endpoint.port > 0)
            let error = await #expect(throws: CloudError.self) { try await listener(cloud, endpoint).run() }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("\(endpoint)") == true)
            #expect(error?.message.contains("metadataListen") == true)
            first.cancel()
            try await first.value
        }
    }
}
