import CloudCore

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A machine's disk: a qcow2 overlay over its image's read-only base.
///
/// The guest's user can write all of it, its header too. So what it lies over and how large it may be stands in a record
/// beside it, and it is opened by `open()` alone, which compares the two.
struct MachineDisk {
    var path: String
    /// GiB.
    var storageGb: Int
    /// The folder that other hosts have too, maybe at another place: what lies in it is named as seen from the disk.
    var shared: String?
    /// Where installed images are: a disk from before there were records is taken for one over them alone.
    var images: String?

    private var wantedBytes: UInt64 { UInt64(storageGb) << 30 }
    /// The disk while it is being made.
    var temporary: String { "\(path).new" }
    /// See `DiskRecord`.
    var recordPath: String { "\(path).json" }

    /// A disk that is open, with what it lies over.
    struct Opened: Sendable {
        var disk: OpenFile
        var base: OpenFile
        var image: ReadyImage
        /// As the guest sees it.
        var bytes: UInt64
    }

    /// Makes the disk unless it is there.
    ///
    /// After a crash at any point there is a whole disk or none.
    func make(over image: @autoclosure () async throws -> ReadyImage) async throws {
        try await MachineFiles.remove(temporary, as: .dropHalfDisk)
        guard !MachineFiles.exists(path) else {
            _ = try await base()  // damaged: nobody makes another in its place
            return
        }
        try await create(over: try await image())
    }

    /// Makes the disk larger where it is too small; never smaller, and never anew, since it is its owner's. The machine
    /// must be off.
    func grow(by program: QEMUProgram) async throws {
        var record = try await record()
        guard try look(record).header.virtualBytes < wantedBytes else { return }
        if record.bytes < wantedBytes {
            record.bytes = wantedBytes
            try await record.write(recordPath)
        }
        let opened = try await open()
        try await HostEffect.growDisk.make { try await program.resize(opened, to: wantedBytes) }
    }

    /// The image that the disk lies over: the same for as long as the machine lives, whatever the catalogue says. Throws
    /// `RESOURCE_NOT_FOUND` when the disk is gone, and when it is not what its record says.
    func base() async throws -> ReadyImage {
        let record = try await record()
        _ = try look(record)
        return try ReadyImage.installed(disk: path(of: record.base))
    }

    /// Opens the disk and what it lies over, after a look at both through what is opened. Throws as `base` does.
    func open(writable: Bool = true) async throws -> Opened {
        let record = try await record()
        let (disk, header) = try look(record, writable: writable)
        let image = try ReadyImage.installed(disk: path(of: record.base))
        return Opened(disk: disk, base: try Self.base(image.disk), image: image, bytes: header.virtualBytes)
    }

    /// What the disk was made as, and its bytes as the guest sees them. Throws as `base` does.
    func facts() async throws -> (record: DiskRecord, bytes: UInt64) {
        let record = try await record()
        return (record, try look(record).header.virtualBytes)
    }

    private func look(
        _ record: DiskRecord, writable: Bool = false
    ) throws(CloudError) -> (file: OpenFile, header: QCOW2Header) {
        try Self.look(path, record, writable: writable)
    }

    /// Opens a disk and compares its header with the record.
    static func look(
        _ path: String, _ record: DiskRecord, writable: Bool = false
    ) throws(CloudError) -> (file: OpenFile, header: QCOW2Header) {
        let file = try OpenFile.regular(path, writable: writable, isAlone: true)
        do {
            let header = try QCOW2Header(try file.beginning(QCOW2Header.limit))
            try header.checkDisk(over: record.base, atMost: record.bytes)
            return (file, header)
        } catch {
            throw damaged("\(path): \(error)")
        }
    }

    /// What the disk was made as. For one from before there were records, its header is believed once, as far as it
    /// names an installed image, and no larger size than the specification has.
    private func record() async throws -> DiskRecord {
        try checkPresence()
        if let record = try DiskRecord.read(recordPath) { return record }
        let bytes = try OpenFile.regular(path, isAlone: true).beginning(QCOW2Header.limit)
        let record: DiskRecord
        do {
            let header = try QCOW2Header(bytes)
            let known = DiskRecord(base: header.backingName ?? "", bytes: wantedBytes)
            try header.checkDisk(over: known.base, atMost: wantedBytes)
            guard isInstalledImage(path(of: known.base)) else {
                throw QCOW2Header.Fault(
                    description: "it lies over \(known.base), which is not an installed image")
            }
            record = known
        } catch {
            throw Self.damaged("\(path): \(error)")
        }
        try await record.write(recordPath)
        return record
    }

    /// Whether this is `images/SLUG/CONTENT-ID/disk.qcow2` (`ImageFolder`), and a file.
    private func isInstalledImage(_ disk: String) -> Bool {
        guard let images, disk.hasPrefix("\(images)/") else { return false }
        let names = disk.dropFirst(images.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        return names.count == 3 && names.last == Substring(ImageManifest.disk)
            && (try? OpenFile.regular(disk)) != nil  // whatever is wrong with it, it is not one
    }

    /// A name that is not absolute is as seen from the disk's folder.
    private func path(of name: String) -> String {
        FilePath(path).removingLastComponent().pushing(FilePath(name)).lexicallyNormalized().string
    }

    /// How the disk names its image.
    private func name(of image: ReadyImage) -> String {
        guard let shared, image.disk.hasPrefix("\(shared)/") else { return image.disk }
        // From `machines/ID` in the shared folder.
        return "../..\(image.disk.dropFirst(shared.count))"
    }

    /// The record goes first, so that no disk is without one.
    private func create(over image: ReadyImage) async throws {
        let baseBytes = try Self.virtualBytes(image.disk)
        guard baseBytes <= wantedBytes else {
            throw CloudError(
                .unprocessableEntity,
                "The image needs \(baseBytes >> 20) MiB of storage, and the specification has \(storageGb) GiB. "
                    + "Choose a larger specification.")
        }
        let record = DiskRecord(base: name(of: image), bytes: wantedBytes)
        try await record.write(recordPath)
        // `-b` is relative to the overlay's folder unless absolute; `-u`: nothing opens it.
        let arguments = [
            "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", record.base, temporary, "\(storageGb)G",
        ]
        try await Command("qemu-img", arguments).run(as: .createDisk)
        try await MachineFiles.publish(temporary, to: path, as: .publishDisk)
    }

    /// Opens an image's disk, which must be whole by itself.
    private static func base(_ path: String) throws(CloudError) -> OpenFile {
        let file = try OpenFile.regular(path)
        do {
            try QCOW2Header(try file.beginning(QCOW2Header.limit)).checkImage(atMost: .max)
            return file
        } catch {
            throw CloudError(
                .serviceUnavailable,
                "The image under the compute's disk can't be used. Ask the operator to mend it: "
                    + "strettch admin image verify",
                detail: "\(path): \(error)")
        }
    }

    /// The size that a guest sees, out of the header of a disk or an image. Needs no lock, so it works while the machine
    /// runs.
    static func virtualBytes(_ path: String) throws(CloudError) -> UInt64 {
        do {
            return try QCOW2Header(try OpenFile.regular(path).beginning(QCOW2Header.limit)).virtualBytes
        } catch {
            throw damaged("\(path): \(error)")
        }
    }

    private func checkPresence() throws(CloudError) {
        guard MachineFiles.exists(path) else { throw Self.gone(path) }
    }

    static func gone(_ path: String) -> CloudError {
        CloudError(
            .resourceNotFound,
            "The compute's disk is gone. Ask the operator to restore it, or delete the compute.",
            detail: "\(path) is not there")
    }

    static func damaged(_ detail: String) -> CloudError {
        CloudError(
            .internalServerError,
            "The compute's disk is damaged. Ask the operator to restore it, or delete the compute.",
            detail: detail)
    }
}
