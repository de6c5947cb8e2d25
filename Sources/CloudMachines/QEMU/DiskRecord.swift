import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file beside a machine's disk that says what the disk is, made with it. The disk's own header says so too, but the
/// guest's user can write that one, and not this.
struct DiskRecord: Codable, Equatable {
    /// The image that the disk lies over, as the disk's header should name it.
    var base: String
    /// The most that the disk may have as the guest sees it.
    var bytes: UInt64

    private static let limit = 64 << 10

    /// `nil` when there is none: the disk is from before there were any. Throws when it is there and can't be read.
    static func read(_ path: String) throws(CloudError) -> DiskRecord? {
        guard MachineFiles.exists(path) else { return nil }
        do {
            return try JSONDecoder().decode(
                DiskRecord.self, from: Data(MachineFiles.bytes(path, limit: limit) ?? []))
        } catch {
            throw MachineDisk.damaged("\(path) can't be read: \(error)")
        }
    }

    func write(_ path: String) async throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try await MachineFiles.write(try encoder.encode(self), to: path, as: .recordDisk)
    }
}
