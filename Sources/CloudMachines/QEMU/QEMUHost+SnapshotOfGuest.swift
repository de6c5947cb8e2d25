import CloudCore
import QMP

/// Snapshots that the guest's own QEMU copies, while the guest runs.
extension QEMUHost {
    private static let pollInterval = Duration.milliseconds(20)

    /// Goes on with the snapshot for as long as there is something to do but to wait.
    /// - Parameter status: of the machine now.
    func takeOfGuest(
        _ snapshot: DiskSnapshot, _ machine: Machine, _ status: MachineStatus, _ known: SnapshotMark?
    ) async throws -> SnapshotProgress {
        guard let process = try table.process(of: machine.id, in: directory(machine.id)) else {
            throw CloudError(.serviceUnavailable, "The machine has just ended; its snapshot is tried again.")
        }
        if let known, known.process != process, !known.isCopied {
            // We were copying its disk, or its earlier process was.
            return try await fail(
                snapshotDirectory(snapshot.id),
                known.process == nil ? "the machine was started meanwhile" : Self.guestHasEnded)
        }
        let copy = SnapshotOfGuest(
            snapshot: snapshot, machine: machine, status: status, process: process)
        do {
            return try await go(on: copy, known)
        } catch let refusal as SnapshotRefusal {
            return try await stop(copy, refusal.reason)
        }
    }

    private func go(on copy: SnapshotOfGuest, _ known: SnapshotMark?) async throws -> SnapshotProgress {
        let directory = snapshotDirectory(copy.snapshot.id)
        let deadline = ContinuousClock.now + settings.copyAttention
        var mark = known
        while true {
            switch try await look(copy, mark).next {
            case .begin:
                guard copies.mayBegin else { return .copying(Self.waits) }
                if let why = try noRoom(for: copy.machine, directory.half) {
                    throw SnapshotRefusal(reason: why)
                }
                mark = try await begin(copy)
            case .await(let text):
                if let why = try reserveIsTouched() { throw SnapshotRefusal(reason: why) }
                guard ContinuousClock.now < deadline else { return .copying(text) }
                try await Task.sleep(for: Self.pollInterval)
            case .conclude:
                guard var copied = mark else {
                    throw SnapshotRefusal(reason: "its files on the host were removed meanwhile")
                }
                copied.isCopied = true
                try await copied.write(directory, as: .concludeSnapshot)
                mark = copied
            case .dismiss: try await ask(copy) { try await $0.dismiss() }
            case .close: try await ask(copy) { try await $0.close() }
            case .publish:
                guard let mark else { throw CloudError.bug("a snapshot without a mark is whole") }
                return try await publish(directory, mark)
            case .fail(let why): throw SnapshotRefusal(reason: why)
            }
        }
    }

    /// A QEMU that has taken the place of the one that copied knows nothing of the snapshot.
    private func look(_ copy: SnapshotOfGuest, _ mark: SnapshotMark?) async throws -> SnapshotLook {
        let isCopied = mark?.isCopied ?? false
        if isCopied, mark?.process != copy.process {
            return SnapshotLook(job: nil, hasTarget: false, isCopied: true)
        }
        if mark != nil {
            copies.note(snapshotDirectory(copy.snapshot.id).half, bytes: diskBytes(copy.machine))
        }
        return try await ask(copy) { try await $0.look(isCopied: isCopied) }
    }

    /// The record of the machine's disk is what the snapshot's is made of, so the guest has no say in it.
    private func begin(_ copy: SnapshotOfGuest) async throws -> SnapshotMark {
        let directory = snapshotDirectory(copy.snapshot.id)
        let (mark, record) = try await prepare(
            copy.snapshot, of: copy.machine, copy.consistency, process: copy.process)
        // Relative names are as seen from the file; `-u`: nothing opens what it lies over.
        let arguments = [
            "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", record.base, directory.half,
            "\(record.bytes)",
        ]
        try await Command("qemu-img", arguments).run(as: .createSnapshot)
        let target = try OpenFile.regular(directory.half, writable: true, isAlone: true)
        try await ask(copy) { try await $0.open(target) }
        return try await start(copy, mark)
    }

    func ask<Result: Sendable>(
        _ copy: SnapshotOfGuest, _ body: (SnapshotMonitor) async throws -> Result
    ) async throws -> Result {
        try await monitor(copy.machine.id).snapshot(copy.snapshot.id, body)
    }

    /// Nothing of it is left, in QEMU neither.
    private func stop(_ copy: SnapshotOfGuest, _ why: String) async throws -> SnapshotProgress {
        try await ask(copy) { try await $0.cancel() }
        return try await fail(snapshotDirectory(copy.snapshot.id), why)
    }
}

/// A snapshot that a guest's QEMU copies.
struct SnapshotOfGuest {
    var snapshot: DiskSnapshot
    var machine: Machine
    /// The machine's, before the snapshot began.
    var status: MachineStatus
    var process: HostProcess

    /// As what its disk is, unless its guest's file systems are held still.
    var consistency: SnapshotConsistency { status == .poweredOff ? .fileSystem : .crash }
}

/// The snapshot can't be taken, because QEMU refuses it or the disk has no room.
struct SnapshotRefusal: Error {
    /// For the owner.
    var reason: String
}
