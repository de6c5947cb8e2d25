import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// Files that want more than to be a disk.
@Suite("An image that a stranger sends", .timeLimit(.minutes(5)))
struct ImageHostileUploadTests {
    @Test("a disk that leads to other files, is encrypted, endless or empty is refused with the reason")
    func refused() async throws {
        try await ImageLab.with { lab in
            let secret = "\(lab.folder)/secret"
            try HostFiles.write([UInt8](repeating: 0x53, count: 1 << 20), to: secret)
            let disk = "\(lab.folder)/hostile.qcow2"
            let kinds: [([String], String)] = [
                (["-o", "data_file=\(lab.folder)/data,data_file_raw=on", disk, "1M"], "in another file"),
                (["-u", "-b", secret, "-F", "raw", disk, "1M"], "lies over another file"),
                (["-u", "-b", "nbd://127.0.0.1:1/x", "-F", "raw", disk, "1M"], "lies over another file"),
                (
                    [
                        "--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s",
                        disk, "1M",
                    ], "it is encrypted"
                ),
                ([disk, "2T"], "is a disk of 2097152 MiB"), ([disk, "0"], "empty disk"),
            ]
            for (arguments, words) in kinds {
                try await Command("qemu-img", ["create", "-q", "-f", "qcow2"] + arguments).run()
                try await expectRefused(lab, HostFiles.read(disk) ?? [], words)
            }
            try await expectRefused(lab, Array("no disk at all".utf8), "not a qcow2 file")
            try await expectRefused(lab, try await lab.userFile(1), "qcow2, and raw was said", .raw)
        }
    }

    @Test("a header with wrong numbers is refused by us, or by QEMU in its sandbox")
    func numbers() async throws {
        try await ImageLab.with { lab in
            let good = try await lab.userFile(1)
            let kinds: [(what: String, at: Int, bytes: [UInt8], words: String)] = [
                ("2^63 bytes", 24, [0x80, 0, 0, 0, 0, 0, 0, 0], "MiB are allowed"),
                ("a first-level table of 2^31 entries", 36, [0x7F, 0xFF, 0xFF, 0xFF], "can't be read"),
                ("a refcount table of 2^30 clusters", 56, [0x40, 0, 0, 0], "can't be read"),
                ("clusters of 2^60 bytes", 20, [0, 0, 0, 60], "clusters"),
                ("version 9", 4, [0, 0, 0, 9], "version"),
                ("2^30 snapshots", 60, [0x40, 0, 0, 0], "can't be read"),
                ("unknown features", 72, [0x80, 0, 0, 0, 0, 0, 0, 0], "unknown features"),
            ]
            for kind in kinds {
                var bytes = good
                bytes.replaceSubrange(kind.at..<kind.at + kind.bytes.count, with: kind.bytes)
                try await expectRefused(lab, bytes, kind.words, what: kind.what)
            }
        }
    }

    @Test("what expands beyond the limit is ended by the kernel, and nothing stays")
    func bomb() async throws {
        try await ImageLab.with { lab in
            let (raw, disk) = ("\(lab.folder)/raw", "\(lab.folder)/bomb.qcow2")
            try HostFiles.write([UInt8](repeating: 0x41, count: 32 << 20), to: raw)
            try await Command("qemu-img", ["convert", "-c", "-f", "raw", "-O", "qcow2", raw, disk]).run()
            let bytes = HostFiles.read(disk) ?? []
            #expect(bytes.count < 1 << 20)
            var small = lab
            small.host.settings.teamImages.limits.maxImageBytes = 8 << 20
            try await expectRefused(small, bytes, "grows beyond 8 MiB")
        }
    }

    @Test("a program in the sandbox sees the system's programs and nothing else, and is limited")
    func sandbox() async throws {
        try await QEMUFixture.withFolder { folder in
            try await MachineFiles.makeFolder("\(folder)/root", as: nil)
            let sandbox = Sandbox(
                root: "\(folder)/root", uid: MachineUser.uid(ofImage: 1), fileBytes: 1 << 20,
                memoryBytes: 256 << 20, cpuSeconds: 5)
            let script = Command(script: Self.look, ["\(folder)/secret"])
            let words = sandbox.words(script.program, script.arguments)
            let (input, output) = (try OpenFile.pipe(), try OpenFile.pipe())
            let child = try ChildProcess(
                words[0], Array(words.dropFirst()), files: [input.reader, output.writer, output.writer])
            var text = ""
            try await eventually("the script ends") {
                text += String(decoding: output.reader.available(), as: UTF8.self)
                return text.hasSuffix("end\n")
            }
            let uid = MachineUser.uid(ofImage: 1).map { "\($0)" } ?? "0"
            #expect(
                text == "bin\ndev\nlib\nlib64\nusr\n2\n2\n\(uid)\nread-only\n262144\n5\n2048\nend\n",
                "\(text)")
            try input.writer.write(Array("end\n".utf8))
            #expect(try await child.succeeds(within: .seconds(10)) == true)
            #expect(try MachineFiles.names(in: "\(folder)/root").isEmpty, "nothing of it is seen outside")
        }
    }

    /// What the first argument names is not to be seen.
    private static let look: StaticString = """
        ls /; cat /etc/passwd "$1" 2>&1 | wc -l; ls /proc /sys 2>&1 | wc -l
        id -u; touch /usr/x 2>/dev/null || echo read-only; ulimit -v; ulimit -t; ulimit -f; echo end
        """

    private func expectRefused(
        _ lab: ImageLab, _ bytes: [UInt8], _ words: String, _ format: ImageFile.Format = .qcow2,
        what: String = ""
    ) async throws {
        try await lab.send(bytes)
        let why = try await lab.failure(lab.upload(bytes, format))
        #expect(why.contains(words), "\(what): \(why)")
        #expect(!HostFiles.exists(lab.imageFolder.work), "\(what)")
        try await lab.host.eraseImage(lab.image)
        #expect(try await lab.host.imageIds() == [])
    }
}
