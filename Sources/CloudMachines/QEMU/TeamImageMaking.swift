import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The making of one image of a team's own, from its material to its place in the store. Whatever is there of an earlier attempt
/// is used as far as it is sure to be whole: files that were uploaded or downloaded. What it throws is told to the owner.
struct TeamImageMaking: Sendable {
    var host: QEMUHost
    var image: ImageOnHost
    var folder: ImageFolder
    var material: ImageMaterial

    private static let digestLimit = Duration.seconds(3600)
    private static let waitInterval = Duration.milliseconds(200)

    private var limits: ImageLimits { host.settings.teamImages.limits }
    private var output: String { "\(folder.work)/output" }
    private var disk: String { "\(output)/\(ImageManifest.disk)" }

    /// A disk that is copied.
    private struct Original {
        var source: DiskConversion.Source
        /// As a guest sees it.
        var bytes: UInt64
        /// Bytes that its files take, as far as it is known.
        var size: UInt64
        /// Bytes that the copy may take.
        var limit: Int64 = .max
        /// Whose kernel is loaded by QEMU itself; `nil`: it boots from its disk.
        var kernel: DirectKernel?
        /// Whether what is wrong with it is the owner's to mend.
        var isFromOutside = false
    }

    func run(_ board: ProgressBoard) async throws -> MadeImage {
        let lock = try await FileLock.acquire(folder.lock, timeoutSeconds: limits.lockSeconds) {
            board.report(ImageProgress("waiting for another process that works on it"))
        }
        defer { withExtendedLifetime(lock) {} }
        try HostFiles.remove(folder.work)
        do {
            try await make(board)
        } catch {
            try HostFiles.remove(folder.work)
            throw error
        }
        guard let made = try host.made(image, folder) else {
            throw CloudError.bug("\(folder.path) has no image after one was installed")
        }
        try folder.dropMaterial()
        return made
    }

    private func make(_ board: ProgressBoard) async throws {
        let original = try await original(board)
        try HostFiles.makeFolder(output)
        try await copy(original, board)
        if let kernel = original.kernel { try await copy(kernel) }
        board.report(ImageProgress("checking"))
        try await HostEffect.publishImage.make {
            try folder.install(
                output, origin: ImageManifest.cellOrigin(image), nowMs: SystemClock().nowMs)
        }
    }

    private func original(_ board: ProgressBoard) async throws -> Original {
        switch material {
        case .snapshot(let snapshot): try await original(try host.disk(of: snapshot))
        case .disk(let machineId, let createdAtMs):
            try await original(try host.disk(ofMachine: machineId, createdAtMs: createdAtMs))
        case .upload(let file, let size): try await upload(file, size, board)
        case .url(let url, let file): try await download(url, file, board)
        }
    }

    /// A disk of ours: its record says what it is.
    private func original(_ disk: MachineDisk) async throws -> Original {
        try await host.imageStore.check(try await disk.base())
        let opened = try await disk.open(writable: false)
        let files = [disk.path, opened.image.disk]
        return Original(
            source: .overlay(opened.disk, base: opened.base), bytes: opened.bytes,
            size: files.reduce(0) { $0 + (DiskGrowth.allocated($1) ?? 0) }, kernel: opened.image.kernel)
    }

    // MARK: - Files from outside

    private func upload(_ file: ImageFile, _ size: Int64, _ board: ProgressBoard) async throws -> Original {
        host.uploads.endAll(image.id)
        guard let found = HostFiles.stamp(folder.upload)?.size, found == size else {
            throw CloudError(
                .unprocessableEntity,
                "Of the upload, \(HostFiles.stamp(folder.upload)?.size ?? 0) of \(size) bytes are on the host. Send it again."
            )
        }
        board.report(ImageProgress("checking the upload"))
        let opened = try OpenFile.regular(folder.upload, isAlone: true)
        if let expected = file.sha256 {
            let actual = try await digest(of: opened)
            guard actual == expected.lowercased() else {
                throw CloudError(
                    .unprocessableEntity,
                    "The upload's SHA-256 is \(actual), and \(expected) was announced. Create the image again with the right "
                        + "sha256, or send the file again.")
            }
        }
        return try outside(opened, file, size, named: "The upload")
    }

    /// By a program, since reading all of a file can take minutes.
    private func digest(of file: OpenFile) async throws -> String {
        do {
            let output = try await HandedProgram("sha256sum", ["--", "/proc/self/fd/3"], files: [file]).run(
                within: Self.digestLimit)
            return String(output.prefix(64))
        } catch let fault as HandedProgram.Fault {
            throw CloudError(
                .serviceUnavailable, "The upload can't be read on its host. Create the image again.",
                detail: fault.description)
        }
    }

    private func download(_ url: String, _ file: ImageFile, _ board: ProgressBoard) async throws -> Original {
        try await ImageDownload(
            image: folder.image, url: url, checksum: file.sha256.map { .sha256($0) }, folder: folder,
            limits: limits, route: .checked(host.settings.teamImages.policy), logger: host.settings.logger,
            progress: board.report, remedy: "Correct the address, or upload the file.",
            digestRemedy: "Give the SHA-256 of the file that is there."
        ).complete()
        let opened = try OpenFile.regular(folder.part, isAlone: true)
        return try outside(
            opened, file, HostFiles.stamp(folder.part)?.size ?? 0, named: "The file at \(WebRoute.shown(url))"
        )
    }

    /// A file that nobody has vouched for. What its header says is read by us first.
    private func outside(
        _ opened: OpenFile, _ file: ImageFile, _ size: Int64, named name: String
    ) throws(CloudError) -> Original {
        guard size > 0, size <= limits.maxImageBytes else {
            throw CloudError(
                .unprocessableEntity,
                "\(name) has \(size) bytes; an image may have 1 to \(limits.maxImageBytes). Bring another file."
            )
        }
        let head = try opened.beginning(QCOW2Header.limit)
        let bytes: UInt64
        do {
            bytes = try file.format.check(head, size: size, atMost: UInt64(limits.maxVirtualBytes))
        } catch {
            throw CloudError(
                .unprocessableEntity,
                "\(name) can't be used: \(error). Make a disk that stands alone of it: qemu-img convert -O qcow2 OLD NEW"
            )
        }
        let source: DiskConversion.Source =
            switch file.format {
            case .qcow2: .qcow2(opened)
            case .raw: .raw(opened)
            }
        return Original(
            source: source, bytes: bytes, size: UInt64(size), limit: limits.maxImageBytes,
            isFromOutside: true)
    }

    // MARK: - The copy

    private func copy(_ original: Original, _ board: ProgressBoard) async throws {
        while !host.copies.mayBegin {
            board.report(ImageProgress(QEMUHost.waits))
            try await Task.sleep(for: Self.waitInterval)
        }
        if let why = try host.noRoom(for: original.size, disk) { throw Self.cannot(why) }
        // Others leave it the space that it needs.
        host.copies.note(disk, bytes: original.size)
        do {
            try await convert(original, board)
        } catch {
            await host.copies.end(disk)
            throw error
        }
        await host.copies.end(disk)
    }

    private func convert(_ original: Original, _ board: ProgressBoard) async throws {
        let root = "\(folder.work)/root"
        try HostFiles.makeFolder(root)
        let (space, reserve) = try host.spaceOfDisks()
        let room = min(original.limit, Int64(clamping: space.free - min(space.free, reserve.bytes)))
        let conversion = DiskConversion(
            source: original.source, bytes: original.bytes, target: disk, program: host.settings.program,
            sandbox: Sandbox(root: root, uid: MachineUser.uid(ofImage: image.id), fileBytes: room),
            monitor: host.monitor(ofImage: image.id),
            bytesPerSecond: host.settings.snapshotBytesPerSecond,
            mayGoOn: { [host] in if let why = try host.reserveIsTouched() { throw Self.cannot(why) } },
            progress: board.report)
        do {
            try await conversion.make()
        } catch let fault as DiskConversion.Fault {
            throw failure(fault, original, room: room)
        }
        try HostFiles.remove(conversion.monitor)
        try QCOW2Header.checkWhole(disk, bytes: original.bytes)
    }

    private func failure(_ fault: DiskConversion.Fault, _ original: Original, room: Int64) -> CloudError {
        guard !fault.description.contains("File too large") else {
            return Self.cannot(
                "it grows beyond \(room >> 20) MiB when it is copied, and there is no room for more")
        }
        return original.isFromOutside
            ? CloudError(
                .unprocessableEntity,
                "The file can't be read as a disk: \(fault). Check it with qemu-img check, and bring another."
            )
            : CloudError(
                .serviceUnavailable,
                "The disk could not be copied: \(fault). The operator finds more in the server's log.")
    }

    /// The text follows on what says that the image could not be made.
    private static func cannot(_ why: String) -> CloudError {
        CloudError(.unprocessableEntity, "\(why). Delete what is not needed, or try again later.")
    }

    /// The kernel that QEMU loads is no part of a disk, and goes with the image.
    private func copy(_ kernel: DirectKernel) async throws {
        for (path, name) in [(kernel.kernel, ImageManifest.kernel), (kernel.initrd, ImageManifest.initrd)] {
            try await Command("cp", ["--reflink=auto", "--", path, "\(output)/\(name)"], timeoutSeconds: 600)
                .run(as: nil)
        }
        try HostFiles.write(
            Array("\(kernel.commandLine)\n".utf8), to: "\(output)/\(ImageManifest.commandLine)")
    }
}

extension QEMUHost {
    /// The disk of a machine that is off.
    func disk(ofMachine id: Int64, createdAtMs: Int64) throws(CloudError) -> MachineDisk {
        let directory = directory(id)
        if let owner = MachineFiles.text(directory.owner, limit: 32), createdAtMs != 0,
            owner != "\(createdAtMs)"
        {
            throw MachineDisk.gone(directory.disk)
        }
        guard try !runs(id) else {
            throw CloudError(.conflict, "The compute runs. Stop it, and make the image then.")
        }
        return storedDisk(directory.disk)
    }

    private func runs(_ id: Int64) throws(CloudError) -> Bool {
        try table.process(of: id, in: directory(id)) != nil
    }

    func disk(of snapshot: DiskSnapshot) throws(CloudError) -> MachineDisk {
        let directory = snapshotDirectory(snapshot.id)
        guard MachineFiles.exists(directory.disk), let mark = try SnapshotMark.read(directory),
            snapshot.isOfAnyTime || mark.createdAtMs == snapshot.createdAtMs
        else { throw Self.noSnapshot }
        return storedDisk(directory.disk)
    }

    /// A disk whose size nobody changes.
    private func storedDisk(_ path: String) -> MachineDisk {
        MachineDisk(path: path, storageGb: 0, shared: settings.disks, images: imageFolder)
    }
}
