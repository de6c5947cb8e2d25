import CloudCore
import Testing

@testable import CloudMachines

@Suite("Which addresses a host connects to for a team")
struct AddressPolicyTests {
    @Test(
        "addresses of special purpose are not public",
        arguments: [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255",
            "192.168.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
            "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::10.0.0.1",
            "64:ff9b::7f00:1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "2001::1",
            "2002:7f00:1::", "3fff::1",
        ])
    func special(_ text: String) throws {
        #expect(try !#require(NetworkAddress(text)).isPublic)
    }

    @Test(
        "all others are",
        arguments: [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1",
            "172.32.0.0", "223.255.255.255", "2606:4700::1111", "2001:200::1", "::ffff:1.1.1.1",
        ])
    func others(_ text: String) throws { #expect(try #require(NetworkAddress(text)).isPublic) }

    @Test("every address of a name must be public, and the one that was checked is connected to")
    func names() async throws {
        let way = try await policy(["1.2.3.4", "2606:4700::1"]).way(to: "HTTPS://Images.Example:8443/a?b=c#d")
        #expect(way.url == "https://images.example:8443/a?b=c")
        #expect(way.kind == .pinned(host: "images.example", address: "1.2.3.4"))
        for addresses in [["1.2.3.4", "10.0.0.1"], ["10.0.0.1"], [], ["fe80::1%eth0"], ["1.2.3.4", "::1"]] {
            let error = await #expect(throws: CloudError.self) {
                try await policy(addresses).way(to: "http://images.example/x")
            }
            #expect(error?.code == .unprocessableEntity)
            #expect(error?.message.contains("10.0.0.1") == false, "the operator's network stays theirs")
        }
        await #expect(throws: CloudError.self, "this host's own public address") {
            var policy = policy(["1.2.3.4"])
            policy.own = { [NetworkAddress(bytes: [1, 2, 3, 4])] }
            _ = try await policy.way(to: "http://images.example/x")
        }
    }

    @Test("an operator may allow blocks")
    func allowed() async throws {
        var policy = policy(["10.0.0.1"])
        policy.allowed = [try #require(IPv4Network("10.0.0.0/24"))]
        let way = try await policy.way(to: "http://images.example")
        #expect(way.url == "http://images.example/")
        #expect(way.kind == .pinned(host: "images.example", address: "10.0.0.1"))
    }

    @Test(
        "no other address is taken",
        arguments: [
            "ftp://images.example/x", "file:///etc/passwd", "http:///x", "images.example/x", "",
            "http://us:er@images.example/x", "http://images.example:0/x", "http://-x/", "http://a b/",
            "http://images.example%00.other/", "gopher://x", "http://\(String(repeating: "a", count: 5000))/",
        ])
    func wrong(_ url: String) async {
        await #expect(throws: CloudError.self) { try await policy(["1.2.3.4"]).way(to: url) }
    }

    @Test(
        "other ways to write a private address are private too",
        arguments: [
            "http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://[::1]/", "http://localhost/",
        ])
    func written(_ url: String) async {
        let error = await #expect(throws: CloudError.self) { try await AddressPolicy().way(to: url) }
        #expect(error?.code == .unprocessableEntity)
    }

    private func policy(_ addresses: [String]) -> AddressPolicy {
        AddressPolicy(resolve: { _ in addresses }, own: { [] })
    }
}
