import CloudCore

/// A machine's disk: a qcow2 overlay over its image's read-only base.
struct MachineDisk {
    var path: String
    /// GiB.
    var storageGb: Int

    private var wantedBytes: UInt64 { UInt64(storageGb) << 30 }
    private var temporary: String { "\(path).new" }

    /// Makes the disk, or makes an existing one larger; never smaller, and never anew, since it is its owner's.
    ///
    /// The machine must be off for a disk to grow. After a crash at any point there is a whole disk or none.
    func make(over image: @autoclosure () async throws -> ReadyImage) async throws {
        try MachineFiles.remove(temporary)
        if MachineFiles.exists(path) { try await grow() } else { try await create(over: try await image()) }
    }

    private func create(over image: ReadyImage) async throws {
        let baseBytes = try Self.virtualBytes(image.disk)
        guard baseBytes <= wantedBytes else {
            throw CloudError(
                .unprocessableEntity,
                "The image needs \(baseBytes >> 20) MiB of storage, and the specification has \(storageGb) GiB. "
                    + "Choose a larger specification.")
        }
        // `-b` is relative to the overlay's folder unless absolute, as ours are.
        let arguments = [
            "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.disk, temporary, "\(storageGb)G",
        ]
        try await Command("qemu-img", arguments).run()
        try MachineFiles.publish(temporary, as: path)
    }

    private func grow() async throws {
        guard try Self.virtualBytes(path) < wantedBytes else { return }
        try await Command("qemu-img", ["resize", "-q", "-f", "qcow2", path, "\(storageGb)G"]).run()
    }

    /// The size that a guest sees, out of the file's header (QEMU, docs/interop/qcow2: magic at byte 0, size at
    /// byte 24, both big-endian). Needs no lock, so it works while the machine runs.
    static func virtualBytes(_ path: String) throws(CloudError) -> UInt64 {
        guard let header = MachineFiles.bytes(path, limit: 32), header.count == 32,
            header.starts(with: [0x51, 0x46, 0x49, 0xFB])
        else {
            throw CloudError(
                .internalServerError, "A disk on the host is damaged.",
                detail: "\(path) is no readable qcow2 file. Restore it from a backup, or delete the compute.")
        }
        return header[24..<32].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
