import CloudCore
import Testing

@testable import CloudMachines

@Suite("An image from a stranger")
struct ImagesHostileTests {
    @Test(
        "a disk that leads to other files, is encrypted or endless can't be had, neither by import nor by download"
    )
    func hostile() async throws {
        try await ImagesFixture.with { fixture in
            let secret = "\(fixture.folder)/secret"
            try HostFiles.write([UInt8](repeating: 0x53, count: 1 << 20), to: secret)
            let disk = "\(fixture.folder)/hostile.qcow2"
            let kinds: [([String], String)] = [
                (
                    ["-o", "data_file=\(fixture.folder)/data,data_file_raw=on", disk, "1M"],
                    "refers to another file"
                ),
                (["-u", "-b", secret, "-F", "raw", disk, "1M"], "refers to another file"),
                (["-u", "-b", "nbd://127.0.0.1:1/x", "-F", "raw", disk, "1M"], "refers to another file"),
                (
                    [
                        "--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s",
                        disk, "1M",
                    ],
                    "it is encrypted"
                ),
                ([disk, "2T"], "is a disk of 2097152 MiB"), ([disk, "0"], "empty disk"),
            ]
            for (arguments, words) in kinds {
                try await Command("qemu-img", ["create", "-q", "-f", "qcow2"] + arguments).run()
                let local = ImagesFixture.image("http://127.0.0.1:1")
                let imported = try await imageError { try await fixture.store.importFile(disk, as: local) }
                #expect(
                    imported.message.contains(words) && imported.message.contains(disk), "\(imported.message)"
                )
                let bytes = HostFiles.read(disk) ?? []
                try await ImagesOrigin.with(.init(bytes: bytes)) { _, address in
                    let image = ImagesFixture.image(address)
                    let error = try await imageError { try await fixture.store.prepare(image) }
                    #expect(error.message.contains(words), "\(error.message)")
                    #expect(await fixture.store.list([image]).first?.state == .missing)
                }
            }
        }
    }
}
