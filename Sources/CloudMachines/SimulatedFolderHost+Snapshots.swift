import CloudCore

/// A simulated disk is a number in a file, so a copy is complete at once.
///
///     snapshots/ID   the disk's size in GB, its machine, and when the snapshot was created
///     ID/former      the disk that a restore has kept
extension SimulatedFolderHost: SnapshotHost {
    public var snapshots: any SnapshotHost { self }

    public func takeSnapshot(
        _ snapshot: DiskSnapshot, of machine: Machine
    ) async throws -> SnapshotProgress {
        try await pause()
        let isOff = try present(machine.id) == .absent
        if size(of: snapshot) == nil {
            guard let size = try read(.disk, of: machine.id) else { throw noDisk(machine.id) }
            try HostFiles.makeFolder(allSnapshots)
            try write("\(size) \(snapshot.machineId) \(snapshot.createdAtMs)", to: file(snapshot.id))
        }
        let bytes = Int64(size(of: snapshot) ?? 0) << 20
        return .taken(bytes: bytes, isOff ? .fileSystem : .crash)
    }

    public func eraseSnapshot(_ snapshot: DiskSnapshot) async throws {
        try await pause()
        try HostFiles.remove(file(snapshot.id))
    }

    public func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await pause()
        guard try read(.disk, of: machine.id) == nil else { return .done }
        guard let size = size(of: snapshot) else { throw QEMUHost.noSnapshot }
        try write("\(max(size, machine.storageGb))", .disk, of: machine.id)
        return .done
    }

    public func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await pause()
        try requireOff(machine.id)
        let hasDisk = try read(.disk, of: machine.id) != nil
        let hasFormer = try read(.former, of: machine.id) != nil
        if hasFormer, hasDisk { return .done }
        guard hasFormer || hasDisk else { throw noDisk(machine.id) }
        guard let size = size(of: snapshot) else { throw QEMUHost.noSnapshot }
        // After a kill between the two there is the former disk alone, and the new one is made after all.
        if !hasFormer { try HostFiles.move(file(.disk, of: machine.id), to: file(.former, of: machine.id)) }
        try write("\(size)", .disk, of: machine.id)
        return .done
    }

    public func dropFormerDisk(_ id: Int64) async throws {
        try await pause()
        try remove(.former, of: id)
    }

    public func takeBackFormerDisk(_ id: Int64) async throws {
        try await pause()
        try requireOff(id)
        guard try read(.former, of: id) != nil else { return }
        try HostFiles.move(file(.former, of: id), to: file(.disk, of: id))
    }

    public func snapshotIds() async throws -> Set<Int64> {
        MachineFiles.exists(allSnapshots) ? try MachineFiles.ids(in: allSnapshots) : []
    }

    private func requireOff(_ id: Int64) throws {
        guard try present(id) == .absent else { throw QEMUHost.mustBeOff }
    }

    private var allSnapshots: String { "\(path)/snapshots" }

    private func file(_ snapshotId: Int64) -> String { "\(allSnapshots)/\(snapshotId)" }

    /// GB; `nil`: it is not here.
    func size(of snapshot: DiskSnapshot) -> Int? {
        let words = MachineFiles.text(file(snapshot.id), limit: Self.fileLimit)?.split(separator: " ") ?? []
        guard words.count == 3, words[1] == "\(snapshot.machineId)", words[2] == "\(snapshot.createdAtMs)"
        else { return nil }
        return Int(words[0])
    }
}
