import CloudCore

/// A copy takes as many looks as the test says (`set(copyLooks:)`), and what it copies is what there was at its begin.
extension SimulatedHost: SnapshotHost {
    public nonisolated var snapshots: any SnapshotHost { self }

    /// Lets snapshots that are taken from now on fail, for this reason; `nil`: no more.
    public func set(snapshotFailure: String?) { self.snapshotFailure = snapshotFailure }

    /// After how many looks a copy is whole; 0: at once.
    public func set(copyLooks: Int) { self.copyLooks = copyLooks }

    public func takeSnapshot(
        _ snapshot: DiskSnapshot, of machine: Machine
    ) async throws -> SnapshotProgress {
        await visit(.takeSnapshot, machine.id)
        if let snapshotFailure { return .failed(snapshotFailure) }
        var progress = SnapshotProgress.failed("it was not begun")
        try act(.takeSnapshot) {
            let isRunning = running.contains(machine.id)
            progress = try store.with { try $0.take(snapshot, isOfGuest: isRunning, looks: copyLooks) }
        }
        return progress
    }

    public func eraseSnapshot(_ snapshot: DiskSnapshot) async throws {
        await visit(.eraseSnapshot, snapshot.machineId)
        try act(.eraseSnapshot) { store.with { $0.snapshots[snapshot.id] = nil } }
    }

    public func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        await visit(.makeDiskFromSnapshot, machine.id)
        var progress = CopyProgress.done
        try act(.makeDiskFromSnapshot) {
            claimFolder(machine.id)
            progress = try store.with { state in
                guard state.disks[machine.id] == nil else { return .done }
                guard var disk = try state.copy(of: snapshot, for: machine, looks: copyLooks) else {
                    return Self.copying(machine)
                }
                disk.storageGb = max(disk.storageGb, machine.storageGb)
                state.disks[machine.id] = disk
                return .done
            }
        }
        return progress
    }

    public func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        await visit(.restoreDisk, machine.id)
        try requireOff(machine.id)
        var progress = CopyProgress.done
        try act(.restoreDisk) {
            progress = try store.with { state in
                guard state.formerDisks[machine.id] == nil else { return .done }
                guard let former = state.disks[machine.id] else { throw Self.noDisk }
                guard let disk = try state.copy(of: snapshot, for: machine, looks: copyLooks) else {
                    return Self.copying(machine)
                }
                state.formerDisks[machine.id] = former
                state.disks[machine.id] = disk
                return .done
            }
        }
        return progress
    }

    public func dropFormerDisk(_ id: Int64) async throws {
        await visit(.dropFormerDisk, id)
        try act(.dropFormerDisk) { store.with { $0.formerDisks[id] = nil } }
    }

    public func takeBackFormerDisk(_ id: Int64) async throws {
        await visit(.takeBackFormerDisk, id)
        try requireOff(id)
        try act(.takeBackFormerDisk) {
            store.with { state in
                state.copies[id] = nil
                guard let former = state.formerDisks.removeValue(forKey: id) else { return }
                state.disks[id] = former
            }
        }
    }

    public func snapshotIds() -> Set<Int64> { store.with { Set($0.snapshots.keys) } }

    /// Changes what is on a machine's disk, as its guest would.
    public func write(_ id: Int64) {
        store.with { state in
            guard state.disks[id] != nil else { return }
            state.lastContent += 1
            state.disks[id]?.content = state.lastContent
        }
    }

    /// What is on a machine's disk: another number after each write. `nil`: it has none.
    public func content(_ id: Int64) -> Int? { store.with { $0.disks[id]?.content } }

    /// What is on all disks, on those that restores have kept, and in snapshots and images, in words.
    public var contents: [String] {
        store.with { state in
            state.disks.map { "disk \($0.key): \($0.value.content)" }
                + state.formerDisks.map { "former \($0.key): \($0.value.content)" }
                + state.snapshots.map { "snapshot \($0.key): \($0.value.copy.disk.content)" }
                + state.images.map { "image \($0.key): \($0.value.disk?.content ?? 0) \($0.value.received)" }
        }.sorted()
    }

    /// What is on the disk that a restore has kept.
    public func formerContent(_ id: Int64) -> Int? { store.with { $0.formerDisks[id]?.content } }

    /// What a snapshot has, half-made ones included.
    public func snapshotContent(_ id: Int64) -> Int? { store.with { $0.snapshots[id]?.copy.disk.content } }

    /// Takes a snapshot away, as a broken host would.
    public func loseSnapshot(_ id: Int64) { store.with { $0.snapshots[id] = nil } }

    func requireOff(_ id: Int64) throws(CloudError) {
        guard running.contains(id) || poweredOff.contains(id) else { return }
        throw QEMUHost.mustBeOff
    }

    static func copying(_ machine: Machine) -> CopyProgress {
        .copying("copying, 0 of \(machine.storageGb << 10) MB")
    }
}

extension SimulatedDisks.State {
    /// Begins a snapshot, or looks at it once more.
    fileprivate mutating func take(
        _ snapshot: DiskSnapshot, isOfGuest: Bool, looks: Int
    ) throws -> SnapshotProgress {
        if snapshots[snapshot.id]?.snapshot != snapshot {
            guard let disk = disks[snapshot.machineId] else { throw SimulatedHost.noDisk }
            snapshots[snapshot.id] = SimulatedDisks.Snapshot(
                snapshot: snapshot, copy: SimulatedDisks.Copy(disk: disk), isOfGuest: isOfGuest)
        }
        guard var present = snapshots[snapshot.id] else { return .failed("it was not begun") }
        present.isWhole = present.copy.looks >= looks
        if !present.isWhole { present.copy.looks += 1 }
        snapshots[snapshot.id] = present
        guard present.isWhole else {
            return .copying("copying, 0 of \(present.copy.disk.storageGb << 10) MB")
        }
        return .taken(
            bytes: Int64(present.copy.disk.storageGb) << 20, present.isOfGuest ? .crash : .fileSystem)
    }

    /// What a machine's disk gets of a snapshot; `nil` while the copy is under way.
    fileprivate mutating func copy(
        of snapshot: DiskSnapshot, for machine: Machine, looks: Int
    ) throws -> SimulatedDisks.Disk? {
        guard let present = snapshots[snapshot.id], present.snapshot == snapshot, present.isWhole else {
            throw QEMUHost.noSnapshot
        }
        var copy = copies[machine.id] ?? SimulatedDisks.Copy(disk: present.copy.disk)
        guard copy.looks < looks else {
            copies[machine.id] = nil
            return copy.disk
        }
        copy.looks += 1
        copies[machine.id] = copy
        return nil
    }
}
