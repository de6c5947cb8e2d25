import CloudCore
import CloudTesting
import Synchronization
import Testing

@testable import CloudMachines

@Suite("An image from a web server that a team names", .timeLimit(.minutes(3)))
struct ImageURLTests {
    @Test("it is fetched, resumed where the connection broke, checked and made")
    func fetched() async throws {
        try await ImageLab.with { lab in
            let allowed = try allowing(lab, "127.0.0.0/8")
            let bytes = try await lab.userFile(6)
            try await ImagesOrigin.with(.init(bytes: bytes, cuts: [1000])) { origin, address in
                let file = ImageFile(.qcow2, sha256: sha256(bytes))
                let made = try await allowed.expectMade(.url("\(address)/disk.img", file))
                try await lab.store.prepare(lab.cell(made))
                #expect(try await lab.has(6, try await lab.store.ready(lab.cell(made)).disk))
                #expect(origin.asked.map(\.path) == ["/disk.img", "/disk.img"])
                #expect(origin.asked.last?.range != nil)
                try await lab.host.eraseImage(lab.image)
                // Without a digest, whatever comes is taken.
                _ = try await allowed.expectMade(.url("\(address)/disk.img", ImageFile(.qcow2, sha256: nil)))
            }
        }
    }

    @Test(
        "a server that is not public is not asked, neither first nor by a redirect, and what is wrong is said"
    )
    func refused() async throws {
        try await ImageLab.with { lab in
            let bytes = try await lab.userFile(6)
            try await ImagesOrigin.with(.init(bytes: bytes)) { origin, address in
                let file = ImageFile(.qcow2, sha256: nil)
                let why = try await lab.failure(.url("\(address)/disk.img", file))
                #expect(why.contains("public addresses alone"))
                #expect(origin.asked.isEmpty)
                try await lab.host.eraseImage(lab.image)

                // This server may be asked; where it leads may not.
                let one = try allowing(lab, "127.0.0.1/32")
                let port = address.split(separator: ":").last ?? ""
                origin.behaviour.withLock { $0.location = "http://127.0.0.2:\(port)/disk.img" }
                let moved = try await one.failure(.url("\(address)/moved/x?token=secret", file))
                #expect(moved.contains("127.0.0.2") && moved.contains("public addresses alone"))
                #expect(origin.asked.map(\.path) == ["/moved/x"])
                try await lab.host.eraseImage(lab.image)

                let other = ImageFile(.qcow2, sha256: String(repeating: "0", count: 64))
                let wrong = try await one.failure(.url("\(address)/disk.img?token=secret", other))
                #expect(wrong.contains(sha256(bytes)) && !wrong.contains("secret"), "\(wrong)")
                try await lab.host.eraseImage(lab.image)
                let absent = try await one.failure(.url("\(address)/absent?token=secret", file))
                #expect(absent.contains("404") && !absent.contains("secret"), "\(absent)")
                try await lab.host.eraseImage(lab.image)
                var small = one
                small.host.settings.teamImages.limits.maxImageBytes = 1 << 20
                origin.behaviour.withLock { $0.bytes = [UInt8](repeating: 1, count: 2 << 20) }
                let large = try await small.failure(.url("\(address)/disk.img", file))
                #expect(large.contains("larger than 1 MiB"))
            }
        }
    }

    private func allowing(_ lab: ImageLab, _ block: String) throws -> ImageLab {
        var lab = lab
        lab.host.settings.teamImages.allowedBlocks = [try #require(IPv4Network(block))]
        return lab
    }
}
