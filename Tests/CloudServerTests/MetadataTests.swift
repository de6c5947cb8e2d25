import CloudControl
import CloudCore
import CloudTesting
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@Suite("The metadata service")
struct MetadataTests {
    private static let key = TestCloud.publicKey

    @Test("tells a guest about its own compute, each value at its path")
    func values() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest(
                TestCloud.body(
                    hostName: "\"web-1\"", more: ", \"tags\": [\"a\", \"b\"], \"withPublicIp\": true"))
            let expected = [
                "id": "\(guest.id)\n", "hostname": "web-1\n", "region": "KGL-1\n", "image": "TINY-1\n",
                "specification": "S-1C-1G\n", "public-keys": "\(Self.key)\n", "tags": "a\nb\n",
                "interfaces/private/0/mac": "52:54:7f:40:00:05\n",
                "interfaces/private/0/ipv4/address": "127.64.0.5\n",
                "interfaces/private/0/ipv4/netmask": "255.255.252.0\n",
                "interfaces/private/0/ipv4/gateway": "127.64.0.1\n",
                "interfaces/public/0/ipv4/address": "203.0.113.0\n",
                "": """
                auth-token
                hostname
                id
                image
                interfaces/
                public-keys
                region
                specification
                tags

                """,
                "interfaces/": "private/\npublic/\n", "interfaces/private": "0/\n",
                "interfaces/private/0/": "ipv4/\nmac\n",
            ]
            for (path, body) in expected {
                let answer = try await lab.ask("/metadata/v1/\(path)", from: guest.address)
                #expect(answer.status == 200 && answer.body == body, "\(path): \(answer)")
                #expect(answer.head.contains("Content-Type: text/plain; charset=utf-8"))
            }
            #expect(try await lab.ask("/metadata/v1", from: guest.address).body == expected[""])
        }
    }

    @Test("has the same as one JSON object")
    func object() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let answer = try await lab.ask("/metadata/v1.json", from: guest.address)
            #expect(answer.head.contains("Content-Type: application/json"))
            #expect(
                answer.body == """
                    {"hostname":"my-server-01","id":\(guest.id),"image":"TINY-1","interfaces":{"private":[\
                    {"ipv4":{"gateway":"127.64.0.1","ip_address":"127.64.0.5","netmask":"255.255.252.0"},\
                    "mac":"52:54:7f:40:00:05","type":"private"}]},"public_keys":["\(Self.key)"],\
                    "region":"KGL-1","specification":"S-1C-1G","tags":[]}
                    """)
        }
    }

    @Test("says in plain text what is not there")
    func missing() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let paths = [
                "/metadata/v1/user-data", "/metadata/v1/interfaces/public/0/ipv4/address",
                "/metadata/v1/interfaces/public/", "/metadata/v1/vendor-data", "/metadata/v1/i",
                "/metadata/v1/id/x", "/latest/meta-data/", "/", "/metadata/v1/%69d", "/metadata/v1x",
            ]
            for path in paths {
                let answer = try await lab.ask(path, from: guest.address)
                #expect(answer.status == 404, "\(path)")
                #expect(
                    answer.body == "There is nothing at \(path). GET /metadata/v1/ lists what there is.\n")
            }
        }
    }

    @Test("knows a guest by its address alone, and tells nobody else")
    func identity() async throws {
        try await MetadataFixture.with { lab in
            let one = try await lab.guest()
            let other = try await lab.guest(as: .stranger)
            #expect(try await lab.ask("/metadata/v1/id", from: one.address).body == "\(one.id)\n")
            #expect(try await lab.ask("/metadata/v1/id", from: other.address).body == "\(other.id)\n")
            let nobody = try await lab.ask("/metadata/v1/id", from: "127.64.0.99")
            #expect(nobody.status == 404 && nobody.body.contains("127.64.0.99"))
            _ = try await lab.cloud.send(.delete, "/computes/\(one.id)")
            try await lab.cloud.settle()
            #expect(try await lab.ask("/metadata/v1/id", from: one.address).status == 404)
        }
    }

    @Test(
        "refuses what came by a proxy or under another name",
        arguments: ["X-Forwarded-For: 127.64.0.6", "Forwarded: for=127.64.0.6", "Via: 1.1 proxy"])
    func proxies(header: String) async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            for path in ["/metadata/v1/id", "/metadata/v1.json", "/api/v1/health"] {
                #expect(
                    try await lab.ask(path, from: guest.address, headers: [header]).status == 403, "\(path)")
                #expect(try await lab.ask(path, from: guest.address, host: "evil.example").status == 403)
                #expect(
                    try await lab.ask(path, from: guest.address, host: "169.254.169.254:80").status == 200)
            }
        }
    }

    @Test("takes GET and HEAD alone, and no body")
    func methods() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let post = try await lab.ask("/metadata/v1/id", from: guest.address, method: "POST")
            #expect(post.status == 405 && post.head.contains("Allow: GET, HEAD"))
            let head = try await lab.ask("/metadata/v1/id", from: guest.address, method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty)
            // Without "Connection: close" of the client's: the server ends it.
            let body = try await lab.send(
                "GET /metadata/v1/id HTTP/1.1\r\nHost: 169.254.169.254\r\nContent-Length: 3\r\n\r\nabc",
                from: guest.address)
            #expect(body.status == 413)
            let long = try await lab.ask(
                "/metadata/v1/id", from: guest.address, headers: ["X: \(String(repeating: "a", count: 9000))"]
            )
            #expect(long.status == 431)
        }
    }

    @Test("a guest that asks too often is told so, and the others are served")
    func rate() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let other = try await lab.guest()
            for _ in 0..<50 {
                #expect(try await lab.ask("/metadata/v1/id", from: guest.address).status == 200)
            }
            let refused = try await lab.ask("/metadata/v1/id", from: guest.address)
            #expect(refused.status == 429 && refused.body.contains("5 times a second"))
            #expect(try await lab.ask("/metadata/v1/id", from: other.address).status == 200)
            lab.cloud.clock.advance(milliseconds: 200)
            #expect(try await lab.ask("/metadata/v1/id", from: guest.address).status == 200)
            #expect(try await lab.ask("/metadata/v1/id", from: guest.address).status == 429)
        }
    }

    @Test(
        "a guest has 16 connections at most, the longest idle of which makes room, and the others have theirs"
    )
    func connections() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let other = try await lab.guest()
            try await lab.holding(1, from: other.address) { others in
                try await lab.holding(17, from: guest.address) { held in
                    try await eventually("the guest's first is closed") { held[0].isClosed }
                    #expect(
                        held.dropFirst().allSatisfy { !$0.isClosed } && others.allSatisfy { !$0.isClosed })
                    #expect(try await lab.ask("/metadata/v1/id", from: other.address).status == 200)
                    #expect(try await lab.ask("/metadata/v1/id", from: guest.address).status == 200)
                }
            }
        }
    }
}

extension MetadataFixture {
    /// A connection over which something was asked.
    fileprivate final class Held: Sendable {
        private let closed = Mutex(false)
        var isClosed: Bool { closed.withLock { $0 } }

        fileprivate func watch(_ channel: any Channel) {
            channel.closeFuture.whenComplete { _ in self.closed.withLock { $0 = true } }
        }
    }

    /// Runs the body while so many connections from the address are open, opened one after the other.
    fileprivate func holding(
        _ count: Int, from address: String, _ held: [Held] = [], _ body: ([Held]) async throws -> Void
    ) async throws {
        guard held.count < count else { return try await body(held) }
        let connection = try await connect(from: address)
        let new = Held()
        new.watch(connection.channel)
        try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(
                .init(string: "GET /metadata/v1/id HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"))
            var answers = inbound.makeAsyncIterator()
            _ = try await answers.next()
            try await holding(count, from: address, held + [new], body)
        }
    }
}
