import CloudCore

extension QEMUHost: SnapshotHost {
    public var snapshots: any SnapshotHost { self }

    static let mustBeOff = CloudError(
        .conflict, "The machine still runs. Stop it before its disk is exchanged.")

    static let noSnapshot = CloudError(
        .resourceNotFound, "The snapshot is not on this host. Ask the operator to restore it, or delete it.")

    public func takeSnapshot(
        _ snapshot: DiskSnapshot, of machine: Machine
    ) async throws -> SnapshotProgress { throw Self.notYet }

    public func eraseSnapshot(_ snapshot: DiskSnapshot) async throws { throw Self.notYet }

    public func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        throw Self.notYet
    }

    public func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        throw Self.notYet
    }

    public func dropFormerDisk(_ id: Int64) async throws { throw Self.notYet }

    public func takeBackFormerDisk(_ id: Int64) async throws { throw Self.notYet }

    public func snapshotIds() async throws -> Set<Int64> { [] }

    private static let notYet = CloudError.bug("not yet")
}
