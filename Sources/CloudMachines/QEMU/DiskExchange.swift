import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A machine's disk that gives its place to another, and is kept beside it for as long as it may have to come back:
///
///     disk.qcow2, disk.qcow2.json   the machine's disk, and its record
///     restored.qcow2                the disk to come, while it is copied and until it has its place
///     former.qcow2                  the disk that was here
///     restore.json                  the records of both (`Records`)
///
/// After a crash at any point it is seen from the names alone how far it was. Nothing boots the machine meanwhile.
struct DiskExchange {
    /// The machine's disk.
    var disk: String

    private var folder: String { String(disk.prefix(upTo: disk.lastIndex(of: "/") ?? disk.startIndex)) }
    var restored: String { "\(folder)/restored.qcow2" }
    var former: String { "\(folder)/former.qcow2" }
    private var mark: String { "\(folder)/restore.json" }
    private var record: String { "\(disk).json" }

    /// What the two disks were made as.
    private struct Records: Codable {
        var former: DiskRecord
        var restored: DiskRecord
    }

    private static let limit = 64 << 10

    var hasDisk: Bool { MachineFiles.exists(disk) }
    var hasFormer: Bool { MachineFiles.exists(former) }

    /// The disk to come is whole and on the host's disk.
    func begin(former: DiskRecord, restored: DiskRecord) async throws {
        let records = Records(former: former, restored: restored)
        try await MachineFiles.write(try JSONEncoder().encode(records), to: mark, as: .markRestore)
        try await MachineFiles.publish(disk, to: self.former, as: .keepFormerDisk)
    }

    /// Once the former disk has gone aside, all of the other is here.
    func finish() async throws {
        try await records().restored.write(record)
        try await MachineFiles.publish(restored, to: disk, as: .publishDisk)
    }

    /// The restored disk stays.
    func dropFormer() async throws {
        guard hasDisk || !hasFormer else {
            throw CloudError.bug("the only disk of a machine, \(former), is to be dropped")
        }
        try await remove(former, as: .dropFormerDisk)
        try await forget()
    }

    /// The former disk comes back, if it has gone aside.
    func takeBack() async throws {
        if hasFormer {
            try await records().former.write(record)
            try await MachineFiles.publish(former, to: disk, as: .takeBackFormerDisk)
        }
        try await remove(restored, as: .dropHalfCopy)
        try await forget()
    }

    private func forget() async throws { try await remove(mark, as: .forgetRestore) }

    private func remove(_ path: String, as effect: HostEffect) async throws {
        guard MachineFiles.exists(path) else { return }
        try await MachineFiles.removeLarge(path, as: effect)
    }

    /// The records of both disks, for as long as one gives its place to the other; empty: nothing is exchanged.
    var known: [DiskRecord] {
        get throws(CloudError) {
            guard MachineFiles.exists(mark) else { return [] }
            let records = try records()
            return [records.former, records.restored]
        }
    }

    private func records() throws(CloudError) -> Records {
        do {
            return try JSONDecoder().decode(
                Records.self, from: Data(MachineFiles.bytes(mark, limit: Self.limit) ?? []))
        } catch {
            throw MachineDisk.damaged("\(mark) can't be read: \(error)")
        }
    }
}
