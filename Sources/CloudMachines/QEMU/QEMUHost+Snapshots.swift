import CloudCore
import Logging

extension QEMUHost: SnapshotHost {
    public var snapshots: any SnapshotHost { self }

    static let guestHasEnded = "the guest ended meanwhile"

    func snapshotDirectory(_ id: Int64) -> SnapshotDirectory {
        SnapshotDirectory(data: settings.dataDirectory, disks: settings.disks, id: id)
    }

    public func takeSnapshot(
        _ snapshot: DiskSnapshot, of machine: Machine
    ) async throws -> SnapshotProgress {
        let directory = snapshotDirectory(snapshot.id)
        try await setAside(snapshot)
        let mark = try SnapshotMark.read(directory)
        if let mark, MachineFiles.exists(directory.disk) { return taken(directory, mark) }
        let status = try await status(machine.id)
        switch status {
        case .absent: return try await takeOfDisk(snapshot, machine, mark)
        case .running, .outOfSpace, .poweredOff:
            return try await takeOfGuest(snapshot, machine, status, mark)
        case .arriving, .departed:
            throw CloudError(
                .conflict, "The compute is being moved to another host. Let the move end, or cancel it.")
        }
    }

    private func taken(_ directory: SnapshotDirectory, _ mark: SnapshotMark) -> SnapshotProgress {
        .taken(bytes: Int64(clamping: DiskGrowth.allocated(directory.disk) ?? 0), mark.consistency)
    }

    /// What another snapshot has left that had the same id, before somebody put an old database back by hand, is its owner's
    /// still: it goes under a name that is of no snapshot.
    private func setAside(_ snapshot: DiskSnapshot) async throws {
        let directory = snapshotDirectory(snapshot.id)
        guard let mark = try SnapshotMark.read(directory), mark.createdAtMs != snapshot.createdAtMs else {
            return
        }
        if !MachineFiles.exists(directory.disk) { try await endCopy(snapshot, mark) }
        try MachineFiles.move(directory.path, to: "\(directory.path).left-by-\(mark.createdAtMs)")
    }

    public func eraseSnapshot(_ snapshot: DiskSnapshot) async throws {
        let directory = snapshotDirectory(snapshot.id)
        guard MachineFiles.exists(directory.path) else { return }
        let mark = try? SnapshotMark.read(directory)  // one that can't be read goes too
        if let mark, !snapshot.isOfAnyTime, mark.createdAtMs != snapshot.createdAtMs { return }
        if !MachineFiles.exists(directory.disk) {
            do { try await endCopy(snapshot, mark) } catch let error as CloudError
                where error.code == .serviceUnavailable
            {
                // The compute's own job may wait for this one, and ends the QEMU that does not answer. Until then the copy
                // goes on into a file without a name, whose space the host has again when that QEMU ends.
                settings.logger.warning(
                    "A QEMU did not end its copy for a snapshot; the copy ends with its process.",
                    metadata: ["snapshot": "\(snapshot.id)", "error": "\(error)"])
            }
        }
        try await drop(directory)
    }

    /// Ends whoever copies, here or in the guest's QEMU.
    private func endCopy(_ snapshot: DiskSnapshot, _ mark: SnapshotMark?) async throws {
        await copies.end(snapshotDirectory(snapshot.id).half)
        let machineId = mark?.machineId ?? snapshot.machineId
        guard mark == nil || mark?.process != nil, try hasProcess(machineId) else { return }
        try await monitor(machineId).snapshot(snapshot.id) { try await $0.cancel() }
    }

    private func drop(_ directory: SnapshotDirectory) async throws {
        await copies.end(directory.half)
        try await remove(directory.path, as: .eraseSnapshot)
    }

    /// Removes everything of the snapshot. The next request for it starts from the beginning.
    func fail(_ directory: SnapshotDirectory, _ why: String) async throws -> SnapshotProgress {
        try await drop(directory)
        return .failed(why)
    }

    public func snapshotIds() async throws -> Set<Int64> {
        let folder = SnapshotDirectory.all(settings.disks ?? settings.dataDirectory)
        return MachineFiles.exists(folder) ? try MachineFiles.ids(in: folder) : []
    }

    /// Of a machine that is off.
    private func takeOfDisk(
        _ snapshot: DiskSnapshot, _ machine: Machine, _ mark: SnapshotMark?
    ) async throws -> SnapshotProgress {
        let directory = snapshotDirectory(snapshot.id)
        if let mark, mark.isCopied { return try await publish(directory, mark) }
        if let mark, mark.process != nil { return try await fail(directory, Self.guestHasEnded) }
        guard let mark, copies.look(at: directory.half) != nil else {
            return try await beginCopy(snapshot, of: machine)
        }
        return try await follow(directory, mark)
    }

    private func beginCopy(_ snapshot: DiskSnapshot, of machine: Machine) async throws -> SnapshotProgress {
        let directory = snapshotDirectory(snapshot.id)
        let opened = try await disk(machine).open()
        guard copies.mayBegin else { return .copying(Self.waits) }
        if let why = try noRoom(for: machine, directory.half) { return try await fail(directory, why) }
        let hasShutDown = MachineFiles.exists(self.directory(machine.id).shutDown)
        let (mark, _) = try await prepare(
            snapshot, of: machine, hasShutDown ? .fileSystem : .crash, process: nil)
        try await startCopy(of: opened.disk, bytes: diskBytes(machine), to: directory.half)
        return try await follow(directory, mark)
    }

    /// Makes the folder with the snapshot's mark and record, and removes what an interrupted attempt has left.
    func prepare(
        _ snapshot: DiskSnapshot, of machine: Machine, _ consistency: SnapshotConsistency,
        process: HostProcess?
    ) async throws -> (SnapshotMark, DiskRecord) {
        let directory = snapshotDirectory(snapshot.id)
        let facts = try await disk(machine).facts()
        let mark = SnapshotMark(
            machineId: machine.id, createdAtMs: snapshot.createdAtMs, consistency: consistency,
            process: process)
        let record = DiskRecord(base: facts.record.base, bytes: facts.bytes)
        try await MachineFiles.makeFolder(directory.path, as: .makeFolder)
        try await mark.write(directory, as: .markSnapshot)
        try await record.write(directory.record)
        try await MachineFiles.removeLarge(directory.half, as: .dropHalfSnapshot)
        return (mark, record)
    }

    /// Stays a little with a copy of our own, and publishes it once it is whole.
    private func follow(
        _ directory: SnapshotDirectory, _ mark: SnapshotMark
    ) async throws -> SnapshotProgress {
        switch try await copies.wait(for: directory.half, within: settings.copyAttention) {
        case .underWay(let text):
            guard let why = try reserveIsTouched() else { return .copying(text) }
            return try await fail(directory, why)
        case .failed(let error): return try await fail(directory, notCopied(error))
        case .whole, nil: return try await publish(directory, mark)
        }
    }

    /// Gives the whole file its name, once it is known to be what it should, and all of it is on the disk.
    func publish(_ directory: SnapshotDirectory, _ mark: SnapshotMark) async throws -> SnapshotProgress {
        if copies.look(at: directory.half) == nil { try flush(directory.half) }
        switch try await copies.wait(for: directory.half, within: settings.copyAttention) {
        case .underWay: return .copying("writing it to the host's disk")
        case .failed(let error): return try await fail(directory, notCopied(error))
        case .whole, nil: break
        }
        guard isWhole(directory) else {
            return try await fail(directory, "what was copied is no disk of this machine")
        }
        try await MachineFiles.publish(directory.half, to: directory.disk, as: .publishSnapshot)
        await copies.end(directory.half)
        return taken(directory, mark)
    }

    /// For the owner; the log has the rest. A full stop follows.
    private func notCopied(_ error: CloudError) -> String {
        settings.logger.error("Copying a disk for a snapshot failed.", metadata: ["error": "\(error)"])
        return error.message.hasSuffix(".") ? String(error.message.dropLast()) : error.message
    }

    /// A guest's QEMU can have written anything.
    private func isWhole(_ directory: SnapshotDirectory) -> Bool {
        do {
            guard let record = try DiskRecord.read(directory.record) else { return false }
            _ = try MachineDisk.look(directory.half, record)
            return true
        } catch {
            return false
        }
    }

    /// Writes out what a guest's QEMU has copied, which may take as long as the copy itself.
    private func flush(_ path: String) throws {
        let file = try OpenFile.regular(path, isAlone: true)
        copies.begin(path, bytes: 0) { try await DiskCopy.sync(file) }
    }
}
