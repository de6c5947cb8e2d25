import CloudCore
import Testing

@Suite("Rules as pure values")
struct RuleTests {
    @Test(
        "host names follow RFC 1123",
        arguments: [
            ("a", true), ("my-server-01", true), ("1", true), ("A.b.C", true), ("3com.com", true),
            (String(repeating: "a", count: 63), true), (String(repeating: "a", count: 64), false),
            ("", false),
            ("-a", false), ("a-", false), ("a..b", false), ("a.", false), (".a", false), ("a_b", false),
            ("a b", false),
            ("é", false), ("10.0.0.1", false), ("a\n", false), ("999.0.01.1", false), ("1.2.3", true),
            ("1.2.3.4a", true),
            (Array(repeating: String(repeating: "a", count: 62), count: 4).joined(separator: "."), true),
            (
                Array(repeating: String(repeating: "a", count: 63), count: 4).joined(separator: ".") + ".a",
                false
            ),
        ])
    func hostNames(_ name: String, valid: Bool) { #expect((HostName.problem(name) == nil) == valid) }

    @Test("control characters are those of the general category Cc")
    func controls() {
        let scalars = (0...UInt32(0x10FFFF)).lazy.compactMap(Unicode.Scalar.init)
        #expect(scalars.allSatisfy { $0.isControl == ($0.properties.generalCategory == .control) })
    }

    static let blob = "AAAAC3NzaC1lZDI1NTE5AAAAIC04p88JUAZwvTacWbfWN3Xxhodoc7vM/eJC8U/Yesin"

    @Test(
        "public keys are judged by their wire format",
        arguments: [
            ("ssh-ed25519 \(blob)", "valid"), ("ssh-ed25519 \(blob) me@here \"quoted\" # x", "valid"),
            ("ssh-ed25519\t\(blob)", "valid"), ("ssh-ed25519 \(blob.dropLast(8))", "unusable"),
            ("ssh-ed25519", "unusable"), ("ssh-ed25519 n0t/base64!", "unusable"),
            ("ssh-rsa \(blob)", "unusable"),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC8Z5mS1x7I6n... user@host", "unusable"),
            ("ssh-dss AAAA", "invalid"), ("", "invalid"), ("command=\"x\" ssh-ed25519 \(blob)", "invalid"),
            ("ssh-ed25519 \(blob)\nssh-ed25519 \(blob)", "invalid"), ("ssh-ed25519 \(blob)\r", "invalid"),
            ("ssh-ed25519 \(blob) \(String(repeating: "c", count: 8192))", "invalid"),
            // A space that a mark combines with is a space, and a comment is counted in characters.
            ("ssh-rsa \u{1F3FB}", "unusable"), ("ssh-ed25519 \(blob) \u{301}", "valid"),
            ("ssh-ed25519 \(blob) \(String(repeating: "é", count: 8000))", "valid"),
        ])
    func publicKeys(_ line: String, verdict: String) {
        let found =
            switch SSHPublicKey.check(line) {
            case .valid: "valid"
            case .unusable: "unusable"
            case .invalid: "invalid"
            }
        #expect(found == verdict)
    }

    @Test("what is around a key in a file is no part of it, and options before a key are told by name")
    func aroundKeys() {
        let key = "ssh-ed25519 \(Self.blob) me"
        for text in ["\(key)\n", "\u{FEFF}\(key)\r\n", " \t\(key)\u{A0}\n\n", key] {
            #expect(SSHPublicKey.trimmed(text) == key)
            let request = ComputeRequest(
                hostName: "a", image: "I", region: "R", specification: "S", publicKeys: [text])
            #expect(request.publicKeys == [key] && request.problems(strictKeys: true).isEmpty)
        }
        #expect(SSHPublicKey.trimmed(" \u{FEFF}\n") == "")
        // Within it stays what it is.
        #expect(SSHPublicKey.trimmed("\(key)\n\(key)\n") == "\(key)\n\(key)")
        for options in ["no-pty", "command=\"a b\",no-pty", "from=\"10.0.0.0/8\"", "# ", "cert-authority"] {
            guard case .invalid(let problem) = SSHPublicKey.check("\(options) \(key)") else {
                Issue.record("'\(options)' is accepted")
                continue
            }
            #expect(
                problem.contains("before its type ssh-ed25519")
                    && problem.contains("Options are not accepted"))
        }
        #expect(
            SSHPublicKey.check("ssh-dss AAAA")
                == .invalid(
                    "is a DSA key, which OpenSSH no longer accepts. Make another with: ssh-keygen -t ed25519")
        )
    }

    @Test(
        "idempotency keys are UUIDs of version 4",
        arguments: [
            ("f47ac10b-58cc-4372-a567-0e02b2c3d479", true), ("F47AC10B-58CC-4372-A567-0E02B2C3D479", true),
            ("f47ac10b-58cc-3372-a567-0e02b2c3d479", false), ("f47ac10b-58cc-4372-7567-0e02b2c3d479", false),
            ("f47ac10b58cc4372a5670e02b2c3d479", false), ("f47ac10b-58cc-4372-a567-0e02b2c3d47g", false),
            (" f47ac10b-58cc-4372-a567-0e02b2c3d479", false),
        ])
    func idempotencyKeys(_ text: String, valid: Bool) {
        #expect(((try? IdempotencyKey(header: text)) != nil) == valid)  // nil is the refusal asked for
    }

    @Test(
        "addresses are read in dotted decimal alone",
        arguments: [
            ("10.0.0.5", true), ("256.0.0.1", false), ("01.0.0.1", false), ("1.2.3", false),
            ("1.2.3.4.5", false), ("1.2.3.+4", false),
        ])
    func addresses(_ text: String, valid: Bool) {
        #expect((IPv4Address(text)?.description == text) == valid)
    }

    @Test("networks are cut into subnets without bits beyond their prefix")
    func networks() throws {
        let all = try #require(IPv4Network("10.0.0.0/8"))
        #expect(all.subnet(0, prefix: 22)?.description == "10.0.0.0/22")
        #expect(IPv4Network(around: IPv4Address(10 << 24 + 7), prefix: 8) == all)
        #expect(IPv4Network(around: IPv4Address(.max), prefix: 33).description == "255.255.255.255/32")
        #expect(IPv4Network(around: IPv4Address(.max), prefix: -1).description == "0.0.0.0/0")
        #expect(all.subnet(16383, prefix: 22)?.description == "10.255.252.0/22")
        #expect(all.subnet(16384, prefix: 22) == nil)
        #expect(IPv4Network("10.0.0.1/22") == nil)
        #expect(IPv4Network("10.0.0.0/33") == nil)
        #expect(IPv4Network("0.0.0.0/0")?.size == 1 << 32)
        #expect(all.last.description == "10.255.255.255")
    }

    @Test("tags are bounded, unique and of few characters")
    func tags() {
        #expect(Tag.problems(["web", "env:prod", "a/b.c-d_e"]).isEmpty)
        #expect(
            Tag.problems(["web", "Web", "web", "", " x", "é"]).map(\.field) == [
                "tags[2]", "tags[3]", "tags[4]", "tags[5]",
            ])
        #expect(Tag.problems((0...32).map { "t\($0)" }).map(\.field) == ["tags"])
    }

    @Test("pages take defaults and refuse what is out of range, all together")
    func pages() throws {
        #expect(try Page(page: nil, limit: nil).offset == 0)
        #expect(try Page(page: "3", limit: "100").offset == 200)
        let error = #expect(throws: CloudError.self) { try Page(page: "0", limit: "1O") }
        #expect(error?.problems.map(\.field) == ["page", "limit"])
    }

    @Test("every step that brings up a machine has a deadline, and no step that takes one away has")
    func deadlines() {
        for step in ComputeAction.create.steps { #expect(ComputeAction.create.deadlineMs(of: step) != nil) }
        for step in ComputeAction.delete.steps { #expect(ComputeAction.delete.deadlineMs(of: step) == nil) }
    }
}
