import CloudCore

/// Machines' disks that are made of snapshots.
extension QEMUHost {
    static let mustBeOff = CloudError(
        .conflict, "The machine still runs. Stop it before its disk is exchanged.")

    static let noSnapshot = CloudError(
        .resourceNotFound, "The snapshot is not on this host. Ask the operator to restore it, or delete it.")

    public func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await claim(machine)
        let disk = disk(machine)
        if !MachineFiles.exists(disk.path) {
            let record = try whole(snapshot)
            let progress = try await copy(snapshot, record, to: disk.temporary)
            guard progress == .done else { return progress }
            // The record goes first, so that no disk is without one.
            try await record.write(disk.recordPath)
            try await MachineFiles.publish(disk.temporary, to: disk.path, as: .publishDisk)
            await copies.end(disk.temporary)
        }
        _ = try await disk.base()  // damaged: nobody makes another in its place
        try await growDisk(machine)
        return .done
    }

    public func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        guard try !hasProcess(machine.id) else { throw Self.mustBeOff }
        let exchange = DiskExchange(disk: disk(machine).path)
        switch (exchange.hasFormer, exchange.hasDisk) {
        case (true, true): return .done
        case (true, false): break
        case (false, false): throw MachineDisk.gone(exchange.disk)
        case (false, true):
            let restored = try whole(snapshot)
            let former = try await disk(machine).facts().record
            let progress = try await copy(snapshot, restored, to: exchange.restored)
            guard progress == .done else { return progress }
            // What the guest has written goes to the disk here, so that the new name has not to wait for it.
            try await DiskCopy.sync(try OpenFile.regular(exchange.disk))
            // This note describes the former disk, not the restored one.
            try await MachineFiles.remove(self.directory(machine.id).shutDown, as: .dropRemains)
            try await exchange.begin(former: former, restored: restored)
            await copies.end(exchange.restored)
        }
        try await exchange.finish()
        return .done
    }

    public func dropFormerDisk(_ id: Int64) async throws {
        try await DiskExchange(disk: directory(id).disk).dropFormer()
    }

    public func takeBackFormerDisk(_ id: Int64) async throws {
        guard try !hasProcess(id) else { throw Self.mustBeOff }
        let exchange = DiskExchange(disk: directory(id).disk)
        await copies.end(exchange.restored)
        try await exchange.takeBack()
    }

    /// What a snapshot was made as. Throws `RESOURCE_NOT_FOUND` when all of it is not here, or when it is another one's of the
    /// same id.
    private func whole(_ snapshot: DiskSnapshot) throws(CloudError) -> DiskRecord {
        let directory = snapshotDirectory(snapshot.id)
        guard MachineFiles.exists(directory.disk),
            try SnapshotMark.read(directory)?.createdAtMs == snapshot.createdAtMs,
            let record = try DiskRecord.read(directory.record)
        else { throw Self.noSnapshot }
        return record
    }

    /// Copies a snapshot to a file that nothing has the name of yet, and checks it once it is whole.
    private func copy(
        _ snapshot: DiskSnapshot, _ record: DiskRecord, to path: String
    ) async throws -> CopyProgress {
        if copies.look(at: path) == nil {
            guard copies.mayBegin else { return .copying(Self.waits) }
            let source = snapshotDirectory(snapshot.id).disk
            let bytes = DiskGrowth.allocated(source) ?? 0
            if let why = try noRoom(for: bytes, path) { throw Self.full(why) }
            try await startCopy(of: try MachineDisk.look(source, record).file, bytes: bytes, to: path)
        }
        switch try await copies.wait(for: path, within: settings.copyAttention) {
        case .underWay(let text):
            guard let why = try reserveIsTouched() else { return .copying(text) }
            try await drop(path)
            throw Self.full(why)
        case .failed(let error):
            let why = try reserveIsTouched()  // looked at before the half copy is gone
            try await drop(path)
            throw why.map(Self.full) ?? error
        case .whole, nil:
            _ = try MachineDisk.look(path, record)
            return .done
        }
    }

    private func drop(_ path: String) async throws {
        await copies.end(path)
        try await MachineFiles.removeLarge(path, as: .dropHalfCopy)
    }

    /// To try again would keep a guest that is to be restored down for as long.
    private static func full(_ why: String) -> CloudError {
        CloudError(
            .unprocessableEntity,
            "The snapshot can't be copied: \(why). Delete what is not needed, or try again later.")
    }
}
