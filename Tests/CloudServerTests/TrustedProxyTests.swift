import CloudCore
import HTTPTypes
import NIOCore
import Testing

@testable import CloudServer

@Suite("Trusted proxies")
struct TrustedProxyTests {
    /// Sender (empty: a unix socket), X-Forwarded-For, and whom the request counts for.
    static let requests: [(sender: String, forwarded: [String], peer: String)] = [
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7, 10.0.0.9,  10.3.2.1\t"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7", "10.0.0.9"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, unknown, 10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", ["198.51.100.7,"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.07"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["[2001:db8:1:2:3::4]:80"], "2001:db8:1:2::"),
        ("10.0.0.1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::"),
        ("10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("fd00::1", ["198.51.100.7"], "198.51.100.7"),
        ("", ["198.51.100.7"], "198.51.100.7"),
        ("198.51.100.1", ["198.51.100.7"], "198.51.100.1"),
        ("fe00::1", ["198.51.100.7"], "fe00::"),
        ("10.0.0.1", [Array(repeating: "10.0.0.2", count: 100).joined(separator: ",")], "10.0.0.2"),
    ]

    @Test("name the client by the last address that is no trusted proxy's", arguments: requests)
    func peer(_ sender: String, forwarded: [String], peer: String) throws {
        let proxies = try #require(TrustedProxies("10.0.0.0/8, fd00::/8,unix"))
        var fields = HTTPFields()
        fields[values: .forwardedFor] = forwarded
        let found = proxies.peer(of: fields, from: NetworkAddress(sender))
        #expect(found == NetworkAddress(peer)?.peer, "\(found)")
    }

    @Test("are none by default, and a unix socket's word is taken when it is named alone")
    func unix() {
        var fields = HTTPFields()
        fields[.forwardedFor] = "198.51.100.7"
        #expect(TrustedProxies.none.peer(of: fields, from: nil) == .local)
        #expect(TrustedProxies("10.0.0.1")?.peer(of: fields, from: nil) == .local)
        #expect(TrustedProxies("") == TrustedProxies.none)
    }

    @Test(
        "are addresses and blocks",
        arguments: [
            ("127.0.0.1", true), ("::1", true), ("0.0.0.0/0", true), ("::/0", true), ("unix", true),
            ("10.0.0.0/8,192.168.0.0/16", true), ("2001:db8::/33", true), ("2001:db8:0:1::/64", true),
            ("10.0.0.1/8", false), ("2001:db8::1/64", false), ("10.0.0.0/33", false), ("::/129", false),
            ("10.0.0.0/", false), ("10.0.0.0/08", false), ("10.0.0.0/-1", false), ("10.0.0", false),
            ("[::1]", false), ("localhost", false), ("10.0.0.1,", false), (",", false),
            ("10.0.0.1:80", false),
            ("10.0.0.1 10.0.0.2", false), ("fe80::1%lo", false), ("*", false),
        ])
    func settings(_ text: String, isValid: Bool) {
        #expect((TrustedProxies(text) != nil) == isValid)
    }
}
