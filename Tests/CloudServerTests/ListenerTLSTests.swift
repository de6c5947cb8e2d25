import CloudCore
import CloudMachines
import CloudServer
import CloudTesting
import FoundationEssentials
import Logging
import Synchronization
import Testing

@Suite("The listener with TLS", .timeLimit(.minutes(2)))
struct ListenerTLSTests {
    /// Runs `body` with a folder that holds a certificate for a server named "first".
    private func withCertificate(_ body: (TestCertificate) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let certificate = TestCertificate(folder: folder)
            try await certificate.make(name: "first")
            try await body(certificate)
        }
    }

    static let versions = [("--http2", "2"), ("--http1.1", "1.1")]

    @Test("speaks HTTP/2 and HTTP/1.1, as ALPN agrees", arguments: versions)
    func alpn(_ option: String, version: String) async throws {
        try await withCertificate { certificate in
            let identity = try TLSIdentity(files: certificate.files)
            let trust = certificate.files.certificate
            try await ListeningCloud.with(identity: identity) { cloud in
                #expect(cloud.address.hasPrefix("https://"))
                let said = try await cloud.curl(
                    [option, "--cacert", trust, "--write-out", "version %{http_version}"])
                #expect(said.contains("\"success\":true"))
                #expect(said.hasSuffix("version \(version)"))
            }
        }
    }

    @Test("answers many requests on one HTTP/2 connection, with bodies and errors")
    func multiplexed() async throws {
        try await withCertificate { certificate in
            let identity = try TLSIdentity(files: certificate.files)
            let trust = certificate.files.certificate
            try await ListeningCloud.with(identity: identity) { cloud in
                let said = try await cloud.curl(
                    [
                        "--http2", "--cacert", trust, "--header", "Authorization: Bearer \(cloud.key)",
                        "--header", "Idempotency-Key: \(TestCloud.newKey())", "--json", TestCloud.body(),
                        cloud.address + "/api/v1/computes",
                    ], "/api/v1/computes/7")
                #expect(said.contains("\"state\":\"CREATING\""))
                #expect(said.contains("METHOD_NOT_ALLOWED"))
            }
        }
    }

    @Test("a body that arrives byte by byte in an HTTP/2 stream is cut off with 408, and the others are not")
    func slowStream() async throws {
        try await withCertificate { certificate in
            let identity = try TLSIdentity(files: certificate.files)
            let trust = certificate.files.certificate
            try await ListeningCloud.with(limits: ListenerBoundsTests.short, identity: identity) { cloud in
                let said = try await cloud.curl(
                    [
                        "--http2", "--cacert", trust, "--header", "Authorization: Bearer \(cloud.key)",
                        "--header", "Idempotency-Key: \(TestCloud.newKey())", "--limit-rate", "200",
                        "--json", TestCloud.body(more: ", \"x\": \"\(String(repeating: "a", count: 9000))\""),
                        "--write-out", "status %{http_code}",
                    ], "/api/v1/computes")
                #expect(said.hasSuffix("status 408"), "\(said)")
                #expect(said.contains("did not arrive whole"))
            }
        }
    }

    static let oldOptions = [["--tls-max", "1.1"], ["--tls-max", "1.0"]]

    @Test("refuses TLS older than 1.2", arguments: oldOptions)
    func oldVersions(_ options: [String]) async throws {
        try await withCertificate { certificate in
            let identity = try TLSIdentity(files: certificate.files)
            try await ListeningCloud.with(identity: identity) { cloud in
                // Lets OpenSSL offer what it would not by itself.
                let options = options + ["--insecure", "--ciphers", "DEFAULT@SECLEVEL=0", "--tlsv1.0"]
                await #expect(throws: CloudError.self) { _ = try await cloud.curl(options) }
            }
        }
    }

    static let ciphers = [
        (["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "ECDHE-ECDSA-AES128-GCM-SHA256", true),
        (["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "ECDHE-ECDSA-CHACHA20-POLY1305", true),
        (["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "ECDHE-ECDSA-AES128-SHA", false),
        (["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "ECDHE-ECDSA-AES256-SHA", false),
        (["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "ECDHE-ECDSA-AES128-SHA256", false),
        (["rsa:2048"], "ECDHE-RSA-AES256-GCM-SHA384", true), (["rsa:2048"], "ECDHE-RSA-AES128-SHA", false),
        (["rsa:2048"], "AES128-GCM-SHA256", false), (["rsa:2048"], "AES256-SHA", false),
        (["rsa:2048"], "DHE-RSA-AES128-GCM-SHA256", false),
    ]

    @Test("agrees on TLS 1.2 only with forward secrecy and authenticated encryption")
    func suites() async throws {
        for (key, suites) in Dictionary(grouping: Self.ciphers, by: \.0) {
            try await withTemporaryFolder { folder in
                let certificate = TestCertificate(folder: folder)
                try await certificate.make(name: "server", key: key)
                try await ListeningCloud.with(identity: try TLSIdentity(files: certificate.files)) { cloud in
                    for (_, cipher, isTaken) in suites {
                        let options = [
                            "--insecure", "--tls-max", "1.2", "--ciphers", "\(cipher):@SECLEVEL=0",
                        ]
                        // Curl fails where nothing is agreed on: that is the answer.
                        let said = try? await cloud.curl(options)
                        #expect((said != nil) == isTaken, "\(cipher)")
                    }
                    let said = try await cloud.curl(["--insecure", "--tlsv1.3"])
                    #expect(said.contains("\"success\":true"))
                }
            }
        }
    }

    @Test(
        "warns of a key that other users can read or change",
        arguments: [
            (0o600, false), (0o400, false), (0o640, false), (0o440, false), (0o644, true), (0o604, true),
            (0o666, true), (0o660, true), (0o601, true),
        ])
    func keyMode(_ mode: Int, warns: Bool) async throws {
        try await withCertificate { certificate in
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: certificate.files.key)
            let link = TLSFiles(certificate: certificate.files.certificate, key: "\(certificate.folder)/link")
            try FileManager.default.createSymbolicLink(
                atPath: link.key, withDestinationPath: certificate.files.key)
            let log = CapturedLog()
            try await ListeningCloud.with(identity: try TLSIdentity(files: link), logger: log.logger) { _ in }
            #expect(log.text.contains("is open to other users") == warns)
            if warns { #expect(log.text.contains("chmod 600 \(link.key)")) }
        }
    }

    @Test("a plain request to a TLS port is answered by no secret and the connection ends")
    func plain() async throws {
        try await withCertificate { certificate in
            let identity = try TLSIdentity(files: certificate.files)
            try await ListeningCloud.with(limits: ListenerBoundsTests.short, identity: identity) { cloud in
                let said = try await cloud.connect { connection in
                    try await connection.send("GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n")
                    return try await connection.readToEnd()
                }
                #expect(!said.contains("success"))
            }
        }
    }

    @Test("a handshake that does not go on is cut off")
    func silentHandshake() async throws {
        try await withCertificate { certificate in
            let identity = try TLSIdentity(files: certificate.files)
            try await ListeningCloud.with(limits: ListenerBoundsTests.short, identity: identity) { cloud in
                _ = try await cloud.connect { connection in try await connection.readToEnd() }
            }
        }
    }

    @Test("a renewed certificate is shown to new connections, and a broken one is not")
    func renewal() async throws {
        try await withCertificate { certificate in
            let identity = try TLSIdentity(files: certificate.files)
            let log = CapturedLog()
            try await ListeningCloud.with(identity: identity, logger: log.logger) { cloud in
                #expect(try await Self.name(cloud) == "first")
                try Data("nothing".utf8).write(to: URL(filePath: certificate.files.certificate))
                try await eventually("the broken one is refused") {
                    log.text.contains("The new TLS certificate can't be used")
                }
                #expect(try await Self.name(cloud) == "first")
                try await certificate.make(name: "second", prefix: "new-")
                try await certificate.install(prefix: "new-")
                try await eventually("the new one is shown") { try await Self.name(cloud) == "second" }
                #expect(log.text.contains("A new TLS certificate is in use."))
            }
        }
    }

    /// The name in the certificate that a new connection is shown.
    private static func name(_ cloud: ListeningCloud) async throws -> String? {
        let said = try await cloud.curl(["--insecure", "--output", "/dev/null", "--write-out", "%{certs}"])
        return said.split(separator: "\n").first { $0.hasPrefix("Subject:") }
            .flatMap { $0.split(separator: "=").last }.map { $0.trimming(" ") }
    }

    @Test("files that can't be used are refused with the setting's name and the remedy")
    func unusable() async throws {
        try await withCertificate { certificate in
            let folder = certificate.folder
            try await certificate.make(name: "other", prefix: "other-")
            try Data("nothing".utf8).write(to: URL(filePath: "\(folder)/text"))
            try await certificate.make(name: "old", days: 1, prefix: "old-")
            let cases: [(TLSFiles, String, String, Int64)] = [
                (.init(certificate: "\(folder)/none", key: "\(folder)/key.pem"), "tlsCertificate", "read", 0),
                (.init(certificate: "\(folder)/text", key: "\(folder)/key.pem"), "tlsCertificate", "PEM", 0),
                (.init(certificate: "\(folder)/cert.pem", key: "\(folder)/none"), "tlsKey", "read", 0),
                (.init(certificate: "\(folder)/cert.pem", key: "\(folder)/text"), "tlsKey", "PEM", 0),
                (
                    .init(certificate: "\(folder)/cert.pem", key: "\(folder)/other-key.pem"), "tlsKey",
                    "does not belong", 0
                ),
                (
                    .init(certificate: "\(folder)/old-cert.pem", key: "\(folder)/old-key.pem"),
                    "tlsCertificate", "expired", 2 * 86_400_000
                ),
            ]
            for (files, setting, what, laterMs) in cases {
                let clock = LaterClock(laterMs: laterMs)
                let error = #expect(throws: CloudError.self) { try TLSIdentity(files: files, clock: clock) }
                #expect(error?.code == .validationError)
                #expect(error?.problems.first?.field == setting, "\(files)")
                #expect(error?.message.contains(what) == true, "\(error?.message ?? "")")
            }
        }
    }
}

extension Substring {
    fileprivate func trimming(_ character: Character) -> String {
        String(drop { $0 == character }.reversed().drop { $0 == character }.reversed())
    }
}
