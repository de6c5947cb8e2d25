import CloudCore
import Foundation
import Testing

@testable import CloudMachines

/// What cloud-init's own code makes of our seeds (Debian's package, see `CloudInit`).
@Suite("User data, read by cloud-init")
struct CloudInitTests {
    private static let key = "ssh-ed25519 AAAA \"é😀\" it's $(me)"

    private func seed(_ userData: String, keys: [String] = [key]) throws -> Data {
        var machine = try QEMUFixture.machine(keys: keys)
        machine.userData = userData
        return Data(MachineSeed(machine, networkMode: .user, nameservers: []).userData.utf8)
    }

    /// As Terraform's `cloudinit_config` writes it.
    static let terraform =
        "Content-Type: multipart/mixed; boundary=\"MIMEBOUNDARY\"\nMIME-Version: 1.0\r\n\r\n--MIMEBOUNDARY\r\n"
        + "Content-Disposition: attachment; filename=\"a.yaml\"\r\nContent-Transfer-Encoding: 7bit\r\n"
        + "Content-Type: text/cloud-config\r\nMime-Version: 1.0\r\n"
        + "X-Merge-Type: list(append)+dict(recurse_array)+str()\r\n\r\n"
        + "#cloud-config\nusers:\n  - name: alice\nruncmd: [a]\n\r\n--MIMEBOUNDARY\r\n"
        + "Content-Transfer-Encoding: 7bit\r\nContent-Type: text/x-shellscript\r\nMime-Version: 1.0\r\n\r\n"
        + "#!/bin/sh\necho b\n\r\n--MIMEBOUNDARY--\r\n"

    private static let handler = """
        #part-handler
        def list_types():
            return ["text/x-foo"]
        def handle_part(data, ctype, filename, payload):
            data["handled"].append([ctype, payload])

        """

    /// Gzip of "#!/bin/sh\necho packed\n", in base64.
    private static let packedScript = "H4sIAAAAAAACA1NW1E/KzNMvzuBKTc7IVyhITM5OTeECAPcM1z0WAAAA"

    private static let nested = """
        From nobody Mon Nov 30 00:00:00 2026
        Content-Type: multipart/mixed;
         boundary="outer; b"
        MIME-Version: 1.0

        preamble
        --outer; b
        Content-Type: multipart/alternative; boundary=inner

        --inner
        Content-Type: text/plain; charset="utf-8"
        Content-Transfer-Encoding: base64

        I2Nsb3VkLWJvb3Rob29rCiMhL2Jpbi9zaAplY2hvIGhvb2sK
        --inner
        Content-Type: application/x-gzip
        Content-Transfer-Encoding: base64

        \(packedScript)
        --inner--
        --outer; b
        Content-Type: text/cloud-config
        Content-Transfer-Encoding: quoted-printable

        #cloud-config
        hostname: caf=C3=A9
        --outer; b--
        epilogue
        """

    /// What is sent, and nothing of ours in it.
    static let formats = [
        "#cloud-config\nusers:\n  - name: alice\nruncmd: [b]\n",
        "#cloud-config\r\nhostname: a\r\nruncmd:\r\n  - c\r\n",
        "#!/bin/sh\necho d\n", "#!/bin/sh\r\necho e\r\n", "#!/bin/sh", "#CLOUD-CONFIG\nhostname: f\n",
        "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\n",
        "## template: jinja\r\n#!/bin/sh\r\necho {{ v1.local_hostname }}\r\n",
        "#cloud-boothook\n#!/bin/sh\necho g\n", "#cloud-boothook\r\n#!/bin/sh\r\necho h\r\n",
        "#cloud-config-archive\n- type: text/x-shellscript\n  content: |\n    #!/bin/sh\n    echo i\n- |\n  #cloud-config\n  users: [{name: bob}]\n",
        "#cloud-config-jsonp\n[{\"op\": \"add\", \"path\": \"/hostname\", \"value\": \"j\"}]\n",
        handler, handler.replacingOccurrences(of: "\n", with: "\r\n"), terraform, nested,
        "MIME-Version: 1.0\nContent-Type: text/cloud-config\n\n#cloud-config\nhostname: k\n",
        "Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\n--b\nContent-Type: text/part-handler\n\n"
            + handler + "--b\nContent-Type: text/x-foo\n\nfoo\n--b--\n",
        "Content-Type: multipart/mixed; boundary=\"==strettch-part==\"\nMIME-Version: 1.0\n\n--==strettch-part==\n\n"
            + "#!/bin/sh\necho l\n--==strettch-part==--\n",
        // It has no end.
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n#!/bin/sh\necho m\n",
    ]

    @Test("every format comes through the seed as if it were there alone, beside what lets root in")
    func formats() async throws {
        let include = "/tmp/strettch-include-\(UInt32.random(in: 0...UInt32.max))"
        try Data("#cloud-config\nusers: [{name: carol}]\n".utf8).write(to: URL(fileURLWithPath: include))
        defer { try? FileManager.default.removeItem(atPath: include) }  // it lies in /tmp
        let all =
            Self.formats + [
                "#include\nfile://\(include)\n", "#include-once\r\nfile://\(include)\r\n",
                "MIME-Version: 1.0\nContent-Type: text/x-include-url\n\nfile://\(include)\n",
            ]
        let alone = try await CloudInit.read(all.map { Data($0.utf8) })
        let ours = try await CloudInit.read(all.map { try seed($0) })
        for (index, (alone, ours)) in zip(alone, ours).enumerated() {
            let sent = all[index]
            #expect(alone.error == nil && alone.warnings == [], "\(sent)")
            #expect(ours.error == nil && ours.warnings == [], "\(sent)")
            #expect(ours.parts.prefix(2).map(\.first) == ["text/cloud-boothook", "text/cloud-config"])
            // Line ends are those that cloud-init would have made, and a message without an end gets one.
            let found = ours.parts.dropFirst(2).map { $0.map(Self.lines) }
            #expect(found == alone.parts.map { $0.map(Self.lines) }, "\(sent)")
            #expect(ours.scripts.map(Self.lines) == alone.scripts.map(Self.lines), "\(sent)")
            #expect(ours.handled == alone.handled, "\(sent)")
            #expect(Array(ours.hooks.dropFirst()) == alone.hooks, "\(sent)")
            #expect(ours.config.hostname == alone.config.hostname)
            #expect(ours.config.runcmd == alone.config.runcmd)
            let users = (ours.config.users ?? []).map(\.name)
            #expect((alone.config.users ?? []).allSatisfy { users.contains($0.name) }, "\(sent)")
        }
    }

    private static func lines(_ text: String) -> [Substring] {
        text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline)
    }

    @Test("base64 of each format, and of gzip of it, is taken for what it is, with white space or not")
    func packed() async throws {
        for sent in Self.formats {
            let plain = try UserData(sent)
            let base64 = Data(sent.utf8).base64EncodedString(options: [
                .lineLength76Characters, .endLineWithCarriageReturn,
            ])
            #expect(try UserData(base64) == plain)
            #expect(try UserData("\u{FEFF} \r\n\(sent)") == plain)
            #expect(try UserData(" \(base64)\n") == plain)
            #expect(try UserData(try await CloudInit.packed(sent)) == plain)
        }
        #expect(try UserData(Self.packedScript).text == "#!/bin/sh\necho packed\n")
    }

    @Test(
        "gzip that expands beyond the limit is refused, within a message too, and so is gzip that is damaged")
    func bombs() async throws {
        func gzip(_ length: Int) async throws -> String {
            try await CloudInit.packed("#!/bin/sh\n" + String(repeating: " ", count: length - 10))
                .filter { !$0.isNewline }
        }
        let limit = UserData.maxExpandedLength
        #expect(UserData.problem(try await gzip(limit)) == nil)
        let bomb = try await gzip(8 << 20)
        func part(_ base64: String) -> String {
            "MIME-Version: 1.0\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n\(base64)\n"
        }
        for sent in [try await gzip(limit + 1), bomb, part(bomb)] {
            #expect(UserData.problem(sent)?.contains("gzip of more than 262144 bytes") == true)
        }
        #expect(UserData.problem(part(bomb))?.hasPrefix("part 1 ") == true)
        let cut = String(try await gzip(limit).dropLast(40))
        for sent in [cut, part(cut), part("")] {
            #expect(UserData.problem(sent)?.contains("cut short or damaged") == true, "\(sent)")
        }
        let alone = try await CloudInit.read([Data(part(cut).utf8)])
        #expect(alone[0].error != nil, "it would take our parts with it")
    }

    @Test("gzip parts of a message have one limit together, as many as they are, and each part counts once")
    func manyBombs() async throws {
        func message(_ lengths: [Int]) async throws -> String {
            let type = "Content-Type: application/gzip\nContent-Transfer-Encoding: base64"
            var text = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
            for length in lengths {
                let script = "#!/bin/sh\n" + String(repeating: " ", count: length - 10)
                text += "--b\n\(type)\n\n\(try await CloudInit.packed(script))\n"
            }
            return text + "--b--\n"
        }
        let limit = UserData.maxExpandedLength
        for lengths in [[limit], [limit - 10, 10], [Int](repeating: limit / 16, count: 16)] {
            #expect(try UserData(try await message(lengths)).warnings == [])
        }
        for (lengths, part) in [([limit, 10], 2), ([limit - 10, 11], 2), ([10, limit, 10], 2)] {
            let problem = UserData.problem(try await message(lengths))
            #expect(problem?.hasPrefix("part \(part) is gzip of more than 262144 bytes, together") == true)
        }
        let packed = try await CloudInit.packed(try await message([Int](repeating: limit, count: 64)))
        #expect(UserData.problem(packed)?.hasPrefix("part 2 ") == true)
    }

    @Test("parts beyond those that are looked into are refused, and so is what a message within one holds")
    func uncheckedParts() throws {
        func message(_ parts: [String]) -> String {
            "Content-Type: multipart/mixed; boundary=b\n\n" + parts.map { "--b\n\($0)\n" }.joined()
                + "--b--\n"
        }
        func sent(_ parts: [String]) -> String { "MIME-Version: 1.0\n" + message(parts) }
        let script = "Content-Type: text/x-shellscript\n\n#!/bin/sh"
        let damaged = "Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\nH4sIAAAA"
        #expect(UserData.problem(sent([String](repeating: script, count: 64))) == nil)
        let tooMany = UserData.problem(sent([String](repeating: script, count: 65)))
        #expect(tooMany?.contains("more than 64 parts") == true)
        func nested(_ depth: Int, _ part: String) -> String {
            var text = part
            for level in 1...depth {
                let boundary = "b\(level)"
                text =
                    "Content-Type: multipart/mixed; boundary=\(boundary)\n\n--\(boundary)\n\(text)\n--\(boundary)--"
            }
            return "MIME-Version: 1.0\n" + text
        }
        #expect(UserData.problem(nested(7, script)) == nil)
        #expect(UserData.problem(nested(7, damaged))?.contains("cut short or damaged") == true)
        #expect(UserData.problem(nested(8, script))?.contains("deeper than 8") == true)
        for type in ["message/rfc822", "Message/Partial"] {
            let forwarded = "Content-Type: \(type)\n\n" + message([script, damaged])
            #expect(
                UserData.problem(sent([script, forwarded]))?.hasPrefix("part 3 is gzip") == true, "\(type)")
        }
    }

    @Test("what cloud-init leaves out of a message draws a warning, and nothing else does")
    func warnings() async throws {
        func part(_ type: String, _ body: String) -> String {
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n#!/bin/sh\n--b\nContent-Type: \(type)\n\n\(body)\n--b--\n"
        }
        let left = [
            part("text/plain", "hello"), part("image/png", "#!/bin/sh"),
            part("text/upstart-job", "start on x"),
            part("nonsense", "hello"), part("text/cloud-config", "#cloud-config\nhostname: é"),
        ]
        let taken =
            Self.formats + [
                part("text/plain", "\n#cloud-config\n{}"), part("TEXT/Cloud-Config; charset=utf-8", "{}"),
                part("text/jinja2", "## template: jinja\n#cloud-config\n{}"), part("text/plain", ""),
            ]
        for (index, reading) in try await CloudInit.read((left + taken).map { Data($0.utf8) }).enumerated() {
            let warnings = try UserData((left + taken)[index]).warnings
            #expect(warnings.isEmpty == (index >= left.count), "\(warnings)")
            #expect(reading.warnings.isEmpty == (index >= left.count), "\(reading.warnings)")
            #expect(warnings.allSatisfy { $0.hasPrefix("part 2 (") })
        }
        // These it runs, and they fail, or it says nothing.
        #expect(try UserData(part("text/x-shellscript", "echo")).warnings.count == 1)
        #expect(try UserData("MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nhello").warnings.count == 1)
    }
}
