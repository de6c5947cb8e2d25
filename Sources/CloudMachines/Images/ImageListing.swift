import CloudCore

/// One image of the catalogue and what of it is on this host.
public struct ImageListing: Sendable, Equatable {
    public enum State: String, Sendable {
        case ready, missing, preparing
        /// A file is gone or changed since it was installed.
        case damaged
        /// Here, and from another source than the catalogue now names.
        case outdated
    }

    public var image: Image
    public var state: State
    /// Bytes of all files; 0 when nothing is here.
    public var bytes: Int64
    /// Milliseconds since 1970.
    public var installedAtMs: Int64?
    /// Where the bytes came from: an address and its checksum, a recipe, an imported file.
    public var origin: String?
    public var disk: String?
    public var sha256: String?
    public var note: String?

    init(
        image: Image, state: State, manifest: ImageManifest? = nil, folder: String? = nil, note: String? = nil
    ) {
        self.image = image
        self.state = state
        bytes = manifest?.bytes ?? 0
        installedAtMs = manifest?.installedAtMs
        origin = manifest?.origin
        disk = folder.map { "\($0)/\(ImageManifest.disk)" }
        sha256 = manifest?.files.first { $0.name == ImageManifest.disk }?.sha256
        self.note = note
    }
}
