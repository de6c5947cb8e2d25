import CloudClient
import CloudCore
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// What a user does with images of their own, with guests that really boot, while the server is killed in the midst of it.
@Suite(
    "Images of a team's own, of real guests, by the program", .serialized,
    .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealImageTests {
    @Test(
        "what a guest has written is in the guests that are made of an image of its disk, or of a snapshot; a file becomes an image"
    )
    func story() async throws {
        try await RealCloud.with { cloud in
            let clean = try await cloud.leftovers()
            let web = try await cloud.create("web", image: nil)
            _ = try await cloud.ssh(web, "echo first >/root/first; sync")
            try await cloud.strettch("compute", "stop", web.id, "--wait")
            try await cloud.killServer(amid: "image", "create", "of-compute", "--compute", web.id)
            try await cloud.waitForImage("of-compute")
            try await cloud.strettch("compute", "delete", web.id, "--yes", "--wait")

            let copy = try await cloud.create("copy", image: "of-compute")
            #expect(try await cloud.ssh(copy, "cat /root/first; hostname") == "first\ncopy")
            _ = try await cloud.ssh(copy, "echo second >/root/second; sync")
            await #expect(throws: CloudError.self, "a compute's disk lies over it") {
                try await cloud.strettch("image", "delete", "of-compute", "--yes")
            }
            try await cloud.strettch("snapshot", "create", copy.id, "later", "--wait")
            try await cloud.killServer(amid: "image", "create", "of-snapshot", "--snapshot", "later")
            try await cloud.waitForImage("of-snapshot")
            let other = try await cloud.create("other", image: "of-snapshot")
            #expect(try await cloud.ssh(other, "cat /root/first /root/second") == "first\nsecond")

            let file = try await cloud.file()
            try await cloud.killServer(amid: "image", "upload", "of-file", file)
            let uploaded = try await cloud.waitForImage("of-file")
            #expect(try await cloud.has(file, uploaded))

            try await cloud.strettch("snapshot", "delete", "later", "--yes", "--wait")
            for id in [copy.id, other.id] {
                try await cloud.strettch("compute", "delete", id, "--yes", "--wait")
            }
            for slug in ["of-compute", "of-snapshot", "of-file"] {
                try await cloud.strettch("image", "delete", slug, "--yes", "--wait")
            }
            #expect(try await cloud.leftovers() == clean)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cloud.data)/images") == ["TINY-1"])
        }
    }
}

extension RealCloud {
    /// A compute that runs.
    /// - Parameter image: `nil`: the catalogue's.
    fileprivate func create(_ hostName: String, image: String?) async throws -> ComputeWire {
        var request = try request(hostName)
        if let image { request.image = image }
        let id = try await client { [request] in
            try await $0.createCompute(request, idempotencyKey: UUID())
        }.data.id
        return try await wait(id, until: "RUNNING")
    }

    /// Runs the program, kills the server as soon as it is answered, and starts it again.
    fileprivate func killServer(amid arguments: String...) async throws {
        let command = inside(program, arguments)
        _ = try await Command("env", environment + [command.program] + command.arguments).run()
        try await end(SIGKILL)
        try await start()
    }

    @discardableResult
    fileprivate func waitForImage(_ slug: String) async throws -> TeamImageWire {
        var last: TeamImageWire?
        try await eventually("image \(slug) is READY", within: .seconds(120)) {
            let image = try await client { try await $0.teamImage(slug) }.data
            last = image
            if let failure = image.failure { throw TestFailure("\(failure.code): \(failure.message)") }
            return image.state == "READY"
        }
        guard let last else { throw TestFailure("no image") }
        return last
    }

    /// A disk as a user has it.
    fileprivate func file() async throws -> String {
        let path = "\(folder)/user.qcow2"
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2", path, "1G"]).run()
        try await Command("qemu-io", ["-f", "qcow2", "-c", "write -P 7 1M 8M", path]).run()
        return path
    }

    /// Whether the image on the host has what the file has.
    fileprivate func has(_ file: String, _ image: TeamImageWire) async throws -> Bool {
        let disk = "\(data)/images/@\(image.id)/current/disk.qcow2"
        let words = try await Command(
            "qemu-img", ["compare", "-f", "qcow2", "-F", "qcow2", file, disk]
        ).run().standardOutput
        return words.contains("Images are identical")
    }
}
