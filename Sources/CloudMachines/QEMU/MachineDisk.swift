import CloudCore

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A machine's disk: a qcow2 overlay over its image's read-only base.
struct MachineDisk {
    var path: String
    /// GiB.
    var storageGb: Int
    /// The folder that other hosts have too, maybe at another place: what lies in it is named as seen from the disk.
    var shared: String?

    private var wantedBytes: UInt64 { UInt64(storageGb) << 30 }
    private var temporary: String { "\(path).new" }

    /// Makes the disk unless it is there.
    ///
    /// After a crash at any point there is a whole disk or none.
    func make(over image: @autoclosure () async throws -> ReadyImage) async throws {
        try await MachineFiles.remove(temporary, as: .dropHalfDisk)
        guard !MachineFiles.exists(path) else {
            _ = try base()  // damaged: nobody makes another in its place
            return
        }
        try await create(over: try await image())
    }

    /// Makes the disk larger where it is too small; never smaller, and never anew, since it is its owner's. The machine
    /// must be off.
    func grow() async throws {
        try checkPresence()
        guard try Self.virtualBytes(path) < wantedBytes else { return }
        try await Command("qemu-img", ["resize", "-q", "-f", "qcow2", path, "\(storageGb)G"]).run(
            as: .growDisk)
    }

    /// The image that the disk lies over, out of the file's header (QEMU, docs/interop/qcow2: the name's place at byte 8
    /// and length at byte 16, both big-endian): the same for as long as the machine lives, whatever the catalogue says.
    /// Throws `RESOURCE_NOT_FOUND` when the disk is gone.
    func base() throws(CloudError) -> ReadyImage {
        try checkPresence()
        guard let header = MachineFiles.bytes(path, limit: Self.headerLimit), header.count >= 32 else {
            throw Self.damaged("\(path) can't be read")
        }
        let start = header[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let length = header[16..<20].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length > 0, start <= UInt64(header.count), length <= UInt64(header.count) - start else {
            throw Self.damaged("\(path) names no image that it lies over")
        }
        let name = String(decoding: header[Int(start)..<Int(start + length)], as: UTF8.self)
        // A name that is not absolute is as seen from the disk's folder.
        let base = FilePath(path).removingLastComponent().pushing(FilePath(name)).lexicallyNormalized()
        return try ReadyImage.installed(disk: base.string)
    }

    /// How the disk names its image.
    private func name(of image: ReadyImage) -> String {
        guard let shared, image.disk.hasPrefix("\(shared)/") else { return image.disk }
        // From `machines/ID` in the shared folder.
        return "../..\(image.disk.dropFirst(shared.count))"
    }

    /// The name of the image stands in the first cluster, which is 64 KiB in the files that we make.
    private static let headerLimit = 65536

    private func create(over image: ReadyImage) async throws {
        let baseBytes = try Self.virtualBytes(image.disk)
        guard baseBytes <= wantedBytes else {
            throw CloudError(
                .unprocessableEntity,
                "The image needs \(baseBytes >> 20) MiB of storage, and the specification has \(storageGb) GiB. "
                    + "Choose a larger specification.")
        }
        // `-b` is relative to the overlay's folder unless absolute.
        let arguments = [
            "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", name(of: image), temporary, "\(storageGb)G",
        ]
        try await Command("qemu-img", arguments).run(as: .createDisk)
        try await MachineFiles.publish(temporary, to: path, as: .publishDisk)
    }

    /// The size that a guest sees, out of the file's header (QEMU, docs/interop/qcow2: magic at byte 0, size at
    /// byte 24, both big-endian). Needs no lock, so it works while the machine runs.
    static func virtualBytes(_ path: String) throws(CloudError) -> UInt64 {
        guard let header = MachineFiles.bytes(path, limit: 32), header.count == 32,
            header.starts(with: [0x51, 0x46, 0x49, 0xFB])
        else {
            throw damaged("\(path) is no readable qcow2 file")
        }
        return header[24..<32].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func checkPresence() throws(CloudError) {
        guard MachineFiles.exists(path) else {
            throw CloudError(
                .resourceNotFound,
                "The compute's disk is gone. Ask the operator to restore it, or delete the compute.",
                detail: "\(path) is not there")
        }
    }

    private static func damaged(_ detail: String) -> CloudError {
        CloudError(
            .internalServerError,
            "The compute's disk is damaged. Ask the operator to restore it, or delete the compute.",
            detail: detail)
    }
}
