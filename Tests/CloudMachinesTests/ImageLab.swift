import CloudCore
import CloudTesting
import Logging
import Synchronization

@testable import CloudMachines

/// A host with a store of images, and files to make images of.
struct ImageLab: Sendable {
    var host: QEMUHost
    var store: ImageStore
    var folder: String
    let image = ImageOnHost(id: 12, createdAtMs: 1)

    /// The beginning of a disk, in MiB, that each write covers.
    private static let written = 4

    var imageFolder: ImageFolder { host.folder(ofImage: 12) }
    var disk: String { host.directory(5).disk }

    /// - Parameters:
    ///   - base: what the machine's disk lies over; `nil`: an empty disk.
    ///   - kernel: whether a kernel lies beside that, which nothing can boot.
    static func with(
        base: ReadyImage? = nil, kernel: Bool = false, _ body: (ImageLab) async throws -> Void
    ) async throws {
        try await QEMUFixture.withFolder { folder in
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", "\(folder)/base.qcow2", "1G"]).run()
            if kernel {
                try HostFiles.write("the kernel".utf8, to: "\(folder)/kernel")
                try HostFiles.write("the initrd".utf8, to: "\(folder)/initrd")
                try HostFiles.write("quiet\n".utf8, to: "\(folder)/cmdline")
            }
            let lab = try await open(folder, base: base)
            do { try await body(lab) } catch {
                await lab.close()
                throw error
            }
            await lab.close()
        }
    }

    private func close() async {
        for id in 5...6 { try? await host.halt(Int64(id)) }  // the test has failed or not by now
        for id in 5...6 { try? await host.erase(Int64(id)) }  // the same
        try? await host.eraseImage(image)  // the same
        await store.shutdown()
    }

    /// As a program that starts anew opens the host.
    static func open(
        _ folder: String, base: ReadyImage? = nil, fetch: ImageFetch.Source? = nil
    ) async throws -> ImageLab {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var limits = ImageLimits()
        limits.firstBackoffMs = 1
        limits.downloadAttempts = 3
        let store = ImageStore(
            directory: "\(folder)/images", logger: silent, limits: limits, fetch: fetch)
        let base = base ?? ReadyImage(disk: "\(folder)/base.qcow2")
        let images = QEMUHost.Images(
            status: { await store.status($0) },
            ready: { $0.source == QEMUFixture.image.source ? base : try await store.ready($0) },
            check: { try await store.check($0) }, end: { await store.end($0) })
        var settings = QEMUHost.Settings(dataDirectory: folder, installationId: folder, networkMode: .user)
        settings.accelerator = AcceleratorChoice(.tcg, reason: "the same on every host")
        settings.logger = silent
        settings.teamImages.limits = limits
        let host = try await QEMUHost.open(settings, images: images, network: nil)
        return ImageLab(host: host, store: store, folder: folder)
    }

    func reopened() async throws -> ImageLab { try await Self.open(folder) }

    /// Asks until the image is made or can't be.
    func make(_ material: ImageMaterial) async throws -> ImageMaking {
        var making = ImageMaking.working("")
        try await eventually("the image is made or not") {
            making = try await host.makeImage(image, of: material)
            if case .working = making { return false }
            return true
        }
        return making
    }

    func expectMade(_ material: ImageMaterial) async throws -> MadeImage {
        let making = try await make(material)
        guard case .made(let made) = making else { throw CloudError.bug("it is not made: \(making)") }
        return made
    }

    /// Why the image can't be made.
    func failure(_ material: ImageMaterial) async throws -> String {
        let making = try await make(material)
        guard case .failed(let why) = making else { throw CloudError.bug("it does not fail: \(making)") }
        return why
    }

    /// The image as a compute is made of it.
    func cell(_ made: MadeImage) -> Image {
        Image(
            image: "mine", imageName: "mine", version: "", displayName: "mine",
            source: .cell(id: image.id, createdAtMs: image.createdAtMs, content: made.content))
    }

    /// A machine whose disk has that byte at its beginning.
    func makeMachine(_ byte: Int) async throws -> Machine {
        let machine = try QEMUFixture.machine()
        try await host.makeDisk(machine, from: QEMUFixture.image)
        try await write(byte, disk)
        return machine
    }

    func write(_ byte: Int, _ path: String) async throws {
        try await Command("qemu-io", ["-f", "qcow2", "-c", "write -P \(byte) 0 \(Self.written)M", path]).run()
    }

    /// Whether the beginning of a disk is filled with that byte, and it is sound and stands alone.
    func has(_ byte: Int, _ path: String) async throws -> Bool {
        let header = try QCOW2Header(try OpenFile.regular(path).beginning(QCOW2Header.limit))
        try header.checkImage(atMost: .max)
        try await Command("qemu-img", ["check", "-q", path]).run()
        let output = try await Command(
            "qemu-io", ["-r", "-f", "qcow2", "-c", "read -P \(byte) 0 \(Self.written)M", path]
        ).run()
        return !output.standardOutput.contains("verification failed")
    }

    /// A qcow2 as a user has it: with that byte at its beginning, compressed, with a snapshot within.
    func userFile(_ byte: Int) async throws -> [UInt8] {
        let (plain, packed) = ("\(folder)/plain.qcow2", "\(folder)/user.qcow2")
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2", plain, "64M"]).run()
        try await write(byte, plain)
        try await Command("qemu-img", ["convert", "-c", "-f", "qcow2", "-O", "qcow2", plain, packed]).run()
        try await Command("qemu-img", ["snapshot", "-c", "within", packed]).run()
        return HostFiles.read(packed) ?? []
    }

    /// Sends all of a file, in one part.
    func send(_ bytes: [UInt8]) async throws {
        let have = try await host.receive(image, size: Int64(bytes.count), from: 0, .of(bytes))
        guard have == bytes.count else { throw CloudError.bug("\(have) bytes came") }
    }

    func upload(_ bytes: [UInt8], _ format: ImageFile.Format = .qcow2) -> ImageMaterial {
        .upload(ImageFile(format, sha256: sha256(bytes)), size: Int64(bytes.count))
    }
}

extension ByteStream {
    /// These bytes in chunks, and then their end, or an error.
    static func of(_ bytes: [UInt8], chunk: Int = 100_000, failing error: (any Error)? = nil) -> ByteStream {
        let rest = Mutex(bytes[...])
        return ByteStream {
            let next = rest.withLock { rest in
                defer { rest = rest.dropFirst(chunk) }
                return Array(rest.prefix(chunk))
            }
            if next.isEmpty, let error { throw error }
            return next.isEmpty ? nil : next
        }
    }

    func all() async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try await next() { bytes += chunk }
        return bytes
    }
}
