import CloudCore
import CloudMachines
import CloudWire

/// One image as `strettch admin image list --json` prints it.
struct OutputImageListing: Encodable {
    var image: String
    var name: String
    var state: String
    var bytes: Int64
    var installedAt: String?
    var origin: String?
    var disk: String?
    var sha256: String?
    var note: String?

    init(_ listing: ImageListing) {
        image = listing.image.image
        name = "\(listing.image.imageName) \(listing.image.displayName)"
        state = listing.state.rawValue
        bytes = listing.bytes
        installedAt = listing.installedAtMs.map(Timestamp.text)
        origin = listing.origin
        disk = listing.disk
        sha256 = listing.sha256
        note = listing.note
    }

    static func table(_ listings: [ImageListing]) -> String {
        OutputTable(
            header: ["IMAGE", "NAME", "STATE", "SIZE", "INSTALLED", "FROM", "NOTE"],
            rows: listings.map { listing in
                let row = OutputImageListing(listing)
                return [
                    row.image, row.name, row.state,
                    row.bytes == 0 ? "-" : "\(max(1, row.bytes / 1_000_000)) MB", row.installedAt ?? "-",
                    row.origin.map { String($0.split(separator: " ").first ?? "") } ?? "-",
                    row.note ?? "",
                ]
            }
        ).text
    }
}
