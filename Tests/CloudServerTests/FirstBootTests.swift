import CloudControl
import CloudCore
import CloudMachines
import CloudTesting
import CloudWorker
import HTTPTypes
import Testing

@Suite("What a create gives its guest for the first boot")
struct FirstBootTests {
    private static let replayed = HTTPField.Name("Idempotent-Replayed") ?? .accept

    private func body(_ userData: String, image: String = "TINY-1") -> String {
        TestCloud.body(image: "\"\(image)\"", more: ", \"userData\": \"\(userData)\"")
    }

    @Test(
        "user data is taken as text, as a MIME message, as base64 and as gzip, and is given back as it was sent"
    )
    func forms() async throws {
        try await TestCloud.with { cloud in
            for (index, userData) in [
                "#!/bin/sh\\n", "\u{FEFF}#cloud-config\\r\\n{}", "MIME-Version: 1.0\\n\\n#!/bin/sh\\n",
                "IyEvYmluL3No", "IyEv\\nYmluL3No\\n",
                "H4sIAAAAAAACA1NW1E/KzNMvzuBKTc7IVyhITM5OTeECAPcM1z0WAAAA",
            ].enumerated() {
                let answer = try await cloud.create(body(userData, image: "UBUNTU-24.04"))
                #expect(answer.status == 202 && answer.json["warnings"] == nil, "\(userData): \(answer.text)")
                try await cloud.worker.runDueJobs()
                #expect(
                    await cloud.host.seeds[Int64(index + 1)]?.userData
                        == userData.replacing("\\n", with: "\n").replacing("\\r", with: "\r"))
            }
        }
    }

    @Test("what cloud-init would leave out draws a warning, and what would harm is refused")
    func leftOut() async throws {
        try await TestCloud.with { cloud in
            let image = "MIME-Version: 1.0\\nContent-Type: image/png\\n\\nx"
            let answer = try await cloud.create(body(image, image: "UBUNTU-24.04"))
            #expect(answer.status == 202)
            #expect(
                answer.json["warnings"]?.array?.first?.string?.hasPrefix("userData: part 1 (image/png) ")
                    == true)
            for (userData, words) in [
                ("hello", "begins with nothing"), ("aGVsbG8=", "begins with nothing"),
                ("IyH/", "is not UTF-8"),
                ("H4sIAAAAAAACA1NW1E/K", "cut short or damaged"),
                (
                    "MIME-Version: 1.0\\nContent-Type: application/gzip\\n\\nx",
                    "part 1 is gzip that is cut short"
                ),
            ] {
                let refused = try await cloud.create(body(userData))
                #expect(refused.code == "VALIDATION_ERROR" && refused.fields == ["userData"])
                #expect(refused.text.contains(words), "\(refused.text)")
            }
        }
    }

    @Test("an image without cloud-init runs a script alone, and a create with anything else says so")
    func scriptsAlone() async throws {
        try await TestCloud.with { cloud in
            #expect(try await cloud.create(body("#!/bin/sh\\r\\n")).json["warnings"] == nil)
            #expect(try await cloud.create(body("IyEvYmluL3No")).json["warnings"] == nil)
            let answer = try await cloud.create(body("#cloud-config\\n{}"))
            #expect(
                answer.json["warnings"]?.array?.first?.string?.hasPrefix("userData: TINY-1 runs a script")
                    == true)
        }
    }

    @Test("a key is taken as a file has it, and a retry of that body is a replay")
    func keysOfFiles() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let body = TestCloud.body(
                publicKeys: "[\"\u{FEFF}\(TestCloud.publicKey)\\r\\n\", \" \(TestCloud.publicKey)\\t \"]")
            let answer = try await cloud.create(body, idempotencyKey: key)
            #expect(answer.status == 202 && answer.json["warnings"] == nil, "\(answer.text)")
            try await cloud.worker.runDueJobs()
            #expect(await cloud.host.seeds[1]?.publicKeys == [TestCloud.publicKey, TestCloud.publicKey])
            let again = try await cloud.create(body, idempotencyKey: key)
            #expect(again.headers[Self.replayed] == "true" && again.text == answer.text)
            let within = "[\"\(TestCloud.publicKey)\\n\(TestCloud.publicKey)\\n\"]"
            #expect(try await cloud.create(TestCloud.body(publicKeys: within)).fields == ["publicKeys[0]"])
            let options = "[\"no-pty,command=\\\"a b\\\" \(TestCloud.publicKey)\"]"
            let refused = try await cloud.create(TestCloud.body(publicKeys: options))
            #expect(refused.fields == ["publicKeys[0]"] && refused.text.contains("Options are not accepted"))
        }
    }

    @Test("a key that no sshd takes draws the warning, and a strict operator refuses it")
    func unusableKeys() async throws {
        // 31 bytes; RSA of 512 bits; a point that is compressed.
        let keys = [
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAHwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4=",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAAhAgECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
        ]
        var strict = CloudSettings.test
        strict.strictKeys = true
        for key in keys {
            let body = TestCloud.body(publicKeys: "[\"\(key)\"]")
            try await TestCloud.with { cloud in
                let answer = try await cloud.create(body)
                #expect(answer.status == 202)
                let warnings = answer.json["warnings"]?.array ?? []
                #expect(warnings.count == 1 && warnings[0].string?.contains("nobody can log in") == true)
            }
            try await TestCloud.with(settings: strict) { cloud in
                let refused = try await cloud.create(body)
                #expect(refused.fields == ["publicKeys[0]"])
            }
        }
    }

    @Test("user data is in no line of the log, whatever becomes of it")
    func log() async throws {
        let log = CapturedLog()
        try await ListeningCloud.with(logger: log.logger) { cloud in
            for userData in [
                "#!/bin/sh\\n# hush", "hush", "MIME-Version: 1.0\\nContent-Type: text/plain\\n\\nhush",
            ] {
                _ = try await cloud.curl(
                    [
                        "--header", "Authorization: Bearer \(cloud.key)", "--header",
                        "Idempotency-Key: \(TestCloud.newKey())", "--json", body(userData),
                    ], "/api/v1/computes")
            }
            #expect(log.text.split(separator: "\n").filter { $0.hasPrefix("request ") }.count == 3)
            #expect(!log.text.contains("hush"))
        }
    }
}
