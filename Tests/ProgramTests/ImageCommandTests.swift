import ArgumentParser
import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

@testable import strettch

/// As the server shows it.
private func image(
    state: String = "READY", origin: ImageOriginWire = ImageOriginWire(kind: "snapshot", id: "412"),
    size: Int? = nil, received: Int? = nil, bytes: Int? = 645_922_817, isProtected: Bool = false,
    task: TaskWire? = nil, cost: String? = nil
) -> TeamImageWire {
    TeamImageWire(
        id: "431", image: "GOLDEN-1", name: "Golden", state: state, origin: origin,
        format: size == nil ? nil : "raw", size: size, received: received, sha256: size == nil ? nil : "ab",
        bytes: bytes, minStorageGb: bytes == nil ? nil : 10, deletionProtection: isProtected,
        createdAt: "2024-01-15T10:00:00Z", updatedAt: "2024-01-15T10:05:00Z", task: task, cost: cost)
}

private let tiny = AnyImageWire.ofCatalogue(
    ImageWire(image: "TINY-1", imageName: "Tiny", version: "1", displayName: "1", minStorageGb: 1))

@Suite("What the program prints of images")
struct OutputImageTests {
    @Test("a list is a table of both scopes")
    func list() {
        let making = TaskWire(
            action: "make", step: "make", since: "2024-01-15T10:04:00Z", attempts: 0, note: nil)
        #expect(
            OutputImage.list([
                tiny, .ofTeam(image()), .ofTeam(image(state: "PREPARING", bytes: nil, task: making)),
            ]) == """
                SLUG      SCOPE   NAME    STATE             SIZE
                TINY-1    public  Tiny 1  READY             -
                GOLDEN-1  team    Golden  READY             617 MiB
                GOLDEN-1  team    Golden  PREPARING (make)  -
                """)
        #expect(OutputImage.list([]).hasPrefix("There are no images. Make one with: strettch image create"))
    }

    @Test("one image is shown whole, without what is absent")
    func detail() {
        #expect(
            OutputImage.detail(.ofTeam(image(isProtected: true, cost: "0.120"))) == """
                slug          GOLDEN-1
                id            431
                scope         team
                name          Golden
                state         READY
                origin        snapshot 412
                size          617 MiB
                minStorageGb  10
                protected     from deletion
                cost          0.120
                createdAt     2024-01-15T10:00:00Z
                updatedAt     2024-01-15T10:05:00Z
                """)
        let upload = OutputImage.detail(
            .ofTeam(
                image(
                    state: "UPLOADING", origin: ImageOriginWire(kind: "upload"), size: 20, received: 5,
                    bytes: nil)))
        #expect(upload.contains("received      5 of 20 bytes\n"))
        #expect(upload.contains("format        raw\n"))
        #expect(
            OutputImage.detail(tiny) == """
                slug          TINY-1
                scope         public
                name          Tiny 1
                version       1
                minStorageGb  1
                """)
    }

    @Test("an image that is there comes with the way to use it")
    func ready() {
        #expect(
            OutputImage.ready(image()) == """
                GOLDEN-1 (431) is READY, 617 MiB.
                Make a compute of it with: strettch compute create NAME --image GOLDEN-1
                """)
        #expect(OutputImage.progress("sending", 3 << 20, of: 6 << 20).fraction == 0.5)
        #expect(OutputImage.progress("sending", 3 << 20, of: 6 << 20).text == "sending, 3 of 6 MiB")
    }
}

@Suite("strettch image")
struct ImageCommandTests {
    @Test("it has the commands of snapshots, and one to upload")
    func words() {
        let shown = ImageCommand.configuration.subcommands.map { $0.configuration }.filter(\.shouldDisplay)
        #expect(
            shown.map(\.commandName) == ["create", "upload", "list", "get", "wait", "update", "delete"])
        #expect(shown[3].aliases == ["show"])
    }

    @Test("a create is of one thing, and what is of a file goes with a URL")
    func create() throws {
        let command = try ImageCreateCommand.parse([
            "G", "--from-url", "https://a.example/b", "--format", "raw",
        ])
        #expect((command.slug, command.file.format) == ("G", .raw))
        #expect(try ImageCreateCommand.parse(["G", "--snapshot", "1", "--protect"]).making.protection)
        for wrong in [
            ["G"], ["G", "--snapshot", "1", "--compute", "2"], ["--snapshot", "1"],
            ["G", "--snapshot", "1", "--format", "raw"], ["G", "--from-url", "u", "--format", "vmdk"],
            ["G", "--snapshot", "1", "--timeout", "0"],
            ["G", "--snapshot", "1", "--idempotency-key", "mine"],
        ] {
            #expect(throws: (any Error).self, "\(wrong)") { try ImageCreateCommand.parse(wrong) }
        }
    }

    @Test("an earlier upload is gone on with where it is of the same file")
    func isSame() {
        let waiting = image(state: "UPLOADING", size: 20, received: 5, bytes: nil)
        let request = CreateImageWire(slug: "GOLDEN-1", format: "raw", size: 20, sha256: "ab")
        #expect(ImageUploadCommand.isSame(waiting, request))
        var others = [request, request, request]
        others[0].size = 21
        others[1].sha256 = "cd"
        others[2].format = "qcow2"
        #expect(others.allSatisfy { !ImageUploadCommand.isSame(waiting, $0) })
        #expect(!ImageUploadCommand.isSame(image(size: 20), request))
    }

    @Test("an update needs something to change, and a delete asks by what would go")
    func change() throws {
        #expect(throws: (any Error).self) { try ImageUpdateCommand.parse(["G"]) }
        #expect(try ImageUpdateCommand.parse(["G", "--no-protection"]).protection == false)
        #expect(ImageDeleteCommand.question([image()]) == "Delete GOLDEN-1 (431) for good?")
    }

    @Test("a file's digest is what sha256sum prints")
    func digest() async throws {
        try await withTemporaryFolder { folder in
            try Data("a disk".utf8).write(to: URL(filePath: "\(folder)/disk"))
            let upload = try ImageUpload(path: "\(folder)/disk")
            #expect(upload.size == 6)
            #expect(
                try ImageDigest.sha256(of: upload) { _ in }
                    == "d614d695eb483126af8a5376433956a60f472ea41b5147893a461e1823006387")
            #expect(throws: ClientError.self) { try ImageUpload(path: "\(folder)/none") }
        }
    }

    @Test("an image is made of a stopped compute, shown, used and deleted over the API")
    func life() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let home = ["HOME": cloud.folder, "STRETTCH_CREDENTIALS": "\(cloud.folder)/credentials.json"]
            try await GuestLogin(privateKey: cloud.privateKey).make()
            let create = ["compute", "create", "--key", "\(cloud.privateKey).pub", "--specification", "S-1C"]
            for words in [
                create + ["base", "--image", "TINY-1", "--wait"], ["compute", "stop", "base", "--wait"],
                ["image", "create", "GOLDEN-1", "--compute", "base", "--wait"],
                ["compute", "delete", "base", "--yes", "--wait"],
                create + ["one", "--image", "GOLDEN-1", "--wait"],
            ] {
                let run = try await ProgramRun.of(words, environment: home)
                #expect(run.status == 0, "\(words): \(run.error)")
            }
            let shown = try await ProgramRun.of(["image", "show", "GOLDEN-1", "--json"], environment: home)
            #expect(shown.output.contains(#""scope" : "team""#), "\(shown.output)")
            let none = try await ProgramRun.of(["image", "get", "NONE"], environment: home)
            #expect(none.status == ProgramExit.notFound.rawValue)
            let delete = ["image", "delete", "GOLDEN-1", "--yes", "--wait"]
            let kept = try await ProgramRun.of(delete, environment: home)
            #expect(kept.status == ProgramExit.conflict.rawValue, "\(kept.error)")
            #expect(kept.error.contains("compute 3 (one)"), "\(kept.error)")
            _ = try await ProgramRun.of(["compute", "delete", "one", "--yes", "--wait"], environment: home)
            let gone = try await ProgramRun.of(delete, environment: home)
            #expect(gone.output.contains("is gone."), "\(gone.error)")
        }
    }

    @Test("a file is uploaded, its image is made of it, and its slug is taken from then on")
    func upload() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let home = ["HOME": cloud.folder, "STRETTCH_CREDENTIALS": "\(cloud.folder)/credentials.json"]
            try Data("a disk".utf8).write(to: URL(filePath: "\(cloud.folder)/disk"))
            let words = ["image", "upload", "GOLDEN-1", "\(cloud.folder)/disk"]
            let sent = try await ProgramRun.of(words + ["--wait"], environment: home)
            #expect(sent.status == 0, "\(sent.error)")
            #expect(sent.output.contains("is READY"), "\(sent.output)")
            #expect(sent.error.contains("sending, 0 of 0 MiB"), "\(sent.error)")
            let twice = try await ProgramRun.of(words, environment: home)
            #expect(twice.status == ProgramExit.conflict.rawValue, "\(twice.error)")
        }
    }
}
