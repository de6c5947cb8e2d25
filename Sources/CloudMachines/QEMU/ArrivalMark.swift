import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file in a machine's folder, there from before anything of the machine comes until its guest may run here: for as
/// long as it is there, the disk beside it is nobody's yet, and nothing boots it.
struct ArrivalMark: Codable, Equatable {
    /// Who comes.
    var departure: Departure
    /// Whose machine it is, and who may send it.
    var createdAtMs: Int64
    var certificate: String
    /// Where it is awaited; `nil` until all is ready.
    var arrival: Arrival?

    private static let limit = 64 << 10

    /// `nil` when there is none. Throws when it is there and can't be read.
    static func read(_ directory: MachineDirectory) throws(CloudError) -> ArrivalMark? {
        guard MachineFiles.exists(directory.arrival) else { return nil }
        let bytes = MachineFiles.bytes(directory.arrival, limit: limit) ?? []
        do {
            return try JSONDecoder().decode(ArrivalMark.self, from: Data(bytes))
        } catch {
            throw CloudError(
                .internalServerError, "The mark of a machine that is to come can't be read; cancel the move.",
                detail: "\(directory.arrival): \(error)")
        }
    }

    func write(_ directory: MachineDirectory, as effect: HostEffect) async throws {
        let bytes = try JSONEncoder().encode(self)
        try await MachineFiles.write(bytes, to: directory.arrival, as: effect)
    }
}
