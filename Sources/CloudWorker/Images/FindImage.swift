import CloudCore
import CloudDatabase

/// Finds the image that a compute's disk lies over, or is to lie over: a team's own, or one of the catalogue.
struct FindImage: Sendable {
    let database: any Database
    let catalogue: Catalogue

    /// `nil`: the catalogue has it no longer, or the team's own is not READY.
    func run(_ compute: Compute) async throws -> Image? {
        guard let id = compute.imageId else { return catalogue.image(compute.image) }
        return try await database.glance { sql in try sql.images.get(id)?.image }
    }
}
