import CloudCore

/// Copies of disks: how much room there is for them, and their begin.
extension QEMUHost {
    static let waits = "waiting for other copies of disks on this host"

    /// Bytes that a machine's disk takes of the host's.
    func diskBytes(_ machine: Machine) -> UInt64 {
        DiskGrowth.allocated(directory(machine.id).disk) ?? 0
    }

    /// Why a copy of the machine's disk has no room; `nil`: it has.
    func noRoom(for machine: Machine, _ path: String) throws(CloudError) -> String? {
        try noRoom(for: diskBytes(machine), path)
    }

    /// Why a file of `bytes` does not fit beside the copies that are under way; `nil`: it fits.
    func noRoom(for bytes: UInt64, _ path: String) throws(CloudError) -> String? {
        let (space, reserve) = try spaceOfDisks()
        let wanted = bytes + copies.bytesToCome(without: path) + reserve.bytes
        guard space.free < wanted else { return nil }
        return
            "the host's disk has no room for a copy of \(bytes >> 20) MiB: \(space.free >> 20) MiB are free, "
            + "\(reserve.bytes >> 20) MiB are kept for the host itself, and other copies may need the rest"
    }

    /// Why no copy may go on; `nil`: it may.
    func reserveIsTouched() throws(CloudError) -> String? {
        let (space, reserve) = try spaceOfDisks()
        guard space.free < reserve.bytes else { return nil }
        return
            "the host's disk has become full: \(space.free >> 20) MiB are free, and \(reserve.bytes >> 20) MiB are "
            + "kept for the host itself"
    }

    /// Lets a file be copied after this call. What an attempt has left that was cut short is removed.
    func startCopy(of source: OpenFile, bytes: UInt64, to path: String) async throws {
        await copies.end(path)
        try await MachineFiles.removeLarge(path, as: .dropHalfCopy)
        let copy = DiskCopy(program: settings.copyProgram, source: source, path: path)
        try await HostEffect.startCopy.make { copies.begin(path, bytes: bytes) { try await copy.make() } }
    }
}
