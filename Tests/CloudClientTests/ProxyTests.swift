import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite("A client behind a proxy")
struct ProxyTests {
    @Test("reaches a server by a name that the proxy knows, with its user and password, streams too")
    func through() async throws {
        let events = FakeAnswer.answer(200, "retry: 1\n\n", headers: ["Content-Type": "text/event-stream"])
        try await FakeServer.with { request, before in
            before == 0
                ? .answer(200, success([RegionWire]()))
                : before == 1 ? events : .answer(401, failure("UNAUTHORIZED"))
        } _: { server, port in
            let proxy = try ConnectProxy(login: "us:p:w")
            var options = instantOptions()
            options.proxy = .init(host: "127.0.0.1", port: proxy.port, login: ("us", "p:w"))
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(
                    baseURL: "http://cloud.example:\(port)", key: "k", options: options
                ) { client in
                    #expect(try await client.regions().data.isEmpty)
                    try await client.follow(after: nil) { _ in true }
                }
            }
            #expect(error?.status == 401)
            #expect(server.requests.count == 3)
            #expect(!proxy.asked.isEmpty && proxy.asked.allSatisfy { $0 == "cloud.example:\(port)" })
        }
    }

    @Test("is told that the proxy asks for a password")
    func refused() async throws {
        let proxy = try ConnectProxy(login: "us:right")
        var options = instantOptions()
        options.proxy = .init(host: "127.0.0.1", port: proxy.port, login: nil)
        let error = await #expect(throws: ClientError.self) {
            try await StrettchClient.with(baseURL: "http://cloud.example", key: "k", options: options) {
                try await $0.regions()
            }
        }
        #expect(error?.message.contains("the proxy on the way asks for a user and a password") == true)
    }
}
