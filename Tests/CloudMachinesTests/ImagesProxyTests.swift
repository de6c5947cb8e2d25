import CloudCore
import CloudTesting
import Logging
import Synchronization
import Testing

@testable import CloudMachines

@Suite("Downloads of images through a proxy")
struct ImagesProxyTests {
    @Test("checksums and disk come through it, with its user and password, from a server that only it knows")
    func through() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes)) { _, address in
                let proxy = try ConnectProxy(login: "us:p:w")
                let store = fixture.store(["http_proxy": "http://us:p%3Aw@127.0.0.1:\(proxy.port)"])
                let image = ImagesFixture.image(Self.named(address))
                try await store.prepare(image)
                #expect(HostFiles.read(try await store.ready(image).disk) == bytes)
                #expect(Set(proxy.asked) == [String(Self.named(address).dropFirst("http://".count))])
                await store.shutdown()
            }
        }
    }

    @Test("a redirect goes by what the environment says of where it leads")
    func redirected() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes)) { origin, address in
                origin.behaviour.withLock { $0.location = "\(address)/disk.img" }
                let proxy = try ConnectProxy()
                let store = fixture.store(["http_proxy": "http://127.0.0.1:\(proxy.port)"])
                let image = ImagesFixture.image(
                    "\(Self.named(address))/moved", checksum: .sha256(sha256(bytes)))
                try await store.prepare(image)
                #expect(origin.asked.map(\.path) == ["/moved/disk.img", "/disk.img"])
                #expect(proxy.asked.count == 1)
                await store.shutdown()
            }
        }
    }

    @Test(
        "a redirect without end, or to no web address, ends with what it is",
        arguments: [
            ("/moved/disk.img", "after 5 redirects"), ("file:///etc/passwd", "which is not a web address"),
            ("", "which is not a web address"),
        ])
    func badRedirect(location: String, says: String) async throws {
        try await ImagesFixture.with { fixture in
            try await ImagesOrigin.with(.init(bytes: [])) { origin, address in
                origin.behaviour.withLock { $0.location = location }
                let image = ImagesFixture.image("\(address)/moved", checksum: .sha256(sha256([])))
                let error = try await imageError { try await fixture.store.prepare(image) }
                #expect(error.message.contains(says), "\(error.message)")
            }
        }
    }

    @Test(
        "a proxy that asks for a password, and a setting that is no proxy, are told at once with the remedy")
    func refused() async throws {
        try await ImagesFixture.with { fixture in
            let proxy = try ConnectProxy(login: "us:right")
            for (value, says) in [
                ("http://us:wrong@127.0.0.1:\(proxy.port)", "asks for a user and a password"),
                ("socks5://127.0.0.1:1", "http_proxy: is not a proxy that can be used"),
            ] {
                let store = fixture.store(["http_proxy": value])
                let error = try await imageError {
                    try await store.prepare(ImagesFixture.image("http://images.example:1"))
                }
                #expect(error.message.contains(says), "\(error.message)")
                #expect(!error.message.contains("wrong"))
                await store.shutdown()
            }
            #expect(proxy.asked == ["images.example:1"])
        }
    }

    /// The origin by a name that no resolver knows.
    private static func named(_ address: String) -> String {
        address.replacing("127.0.0.1", with: "images.example")
    }
}

extension ImagesFixture {
    /// The store as a program opens it that has these variables.
    fileprivate func store(_ environment: [String: String]) -> ImageStore {
        ImageStore(
            directory: "\(folder)/images", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            proxies: ProxySettings(environment: environment), clock: clock)
    }
}
