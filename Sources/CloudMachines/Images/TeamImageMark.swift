import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A file in the folder of a team's own image that says which image it is of. It is there before all else.
struct TeamImageMark: Codable, Equatable {
    var createdAtMs: Int64
    /// Whether this host makes it, so that no other has what is damaged here.
    var isHome: Bool

    private static let limit = 4096

    /// `nil` when there is none. Throws when it is there and can't be read.
    static func read(_ folder: ImageFolder) throws(CloudError) -> TeamImageMark? {
        guard MachineFiles.exists(folder.owner) else { return nil }
        do {
            let bytes = MachineFiles.bytes(folder.owner, limit: limit) ?? []
            return try JSONDecoder().decode(TeamImageMark.self, from: Data(bytes))
        } catch {
            throw CloudError(
                .internalServerError, "The image's mark on the host can't be read. Delete the image.",
                detail: "\(folder.owner): \(error)")
        }
    }

    func write(_ folder: ImageFolder, as effect: HostEffect?) async throws {
        try await MachineFiles.write(try JSONEncoder().encode(self), to: folder.owner, as: effect)
    }

    /// Makes the folder that of a copy of the image. What another image has left that had the same id, before somebody put an
    /// old database back by hand, goes, unless this host has made it. Throws `.serviceUnavailable` when this host made the image
    /// itself.
    static func claimCopy(_ folder: ImageFolder, for image: ImageOnHost) async throws {
        let mark = TeamImageMark(createdAtMs: image.createdAtMs, isHome: false)
        let known = try read(folder)
        if known == mark { return }
        if let known, known.isHome {
            throw CloudError(
                .serviceUnavailable,
                known.createdAtMs == image.createdAtMs
                    ? "The image is damaged on the host that made it, and no other host is known to have it whole. Ask the "
                        + "operator to restore its files, or delete it and make it again."
                    : "This host keeps another image under the same number. Ask the operator to look at it.",
                detail: folder.path)
        }
        try HostFiles.remove(folder.fetched)
        try await mark.write(folder, as: nil)
    }
}
