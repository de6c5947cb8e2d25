import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file in a machine's folder that says that the guest was booted ahead. It goes with the folder to the compute that
/// takes the guest, and stays: the machine keeps the UUID and the user that it was started with.
struct WarmMark: Codable, Equatable {
    var number: Int64
    /// See `WarmingHost.warmKind`.
    var kind: String
    var startedAtMs: Int64
    /// Of the image that the guest was started with.
    var seed: WarmSeed

    private static let limit = 64 << 10

    /// What stands for the machine where others have a compute's id: in its UUID, and where its user is numbered.
    var machineId: Int64 { MachineUUID.firstWarm + number }

    /// `nil` when there is none. Throws when it is there and can't be read.
    static func read(_ directory: MachineDirectory) throws(CloudError) -> WarmMark? {
        guard let bytes = MachineFiles.bytes(directory.warmMark, limit: limit) else { return nil }
        do {
            return try JSONDecoder().decode(WarmMark.self, from: Data(bytes))
        } catch {
            throw CloudError(
                .internalServerError,
                "The mark of a machine that was booted ahead can't be read. Delete the compute, and create it again.",
                detail: "\(directory.warmMark): \(error)")
        }
    }

    /// `nil` also when it can't be read: for who looks at many machines, of which a damaged mark may harm its own alone.
    static func readable(_ directory: MachineDirectory) -> WarmMark? {
        (try? read(directory)) ?? nil  // see above
    }

    func write(_ directory: MachineDirectory) async throws {
        try await MachineFiles.write(try JSONEncoder().encode(self), to: directory.warmMark, as: .markWarm)
    }
}
