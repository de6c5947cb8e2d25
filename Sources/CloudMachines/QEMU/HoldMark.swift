import CloudCore

/// A file in a machine's folder that says that we let its guest stand still, so that a later program lets it go on.
///
/// It is made and removed within a connection to the machine's monitor alone. A monitor serves one at a time, so nobody finds
/// a guest running and takes away the mark of one who is about to stop it: that guest would stand still for good.
struct HoldMark {
    var path: String

    var isSet: Bool { MachineFiles.exists(path) }

    /// Not synced: after a crash of the host no guest stands still, and a sync would wait for all that the guest has written.
    func set() async throws {
        try await HostEffect.markHold.make { try MachineFiles.touch(path) }
    }

    func remove() async throws { try await MachineFiles.remove(path, as: .dropHold) }
}
