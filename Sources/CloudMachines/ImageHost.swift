import CloudCore

/// Images of teams' own: a part of a host. Those of the catalogue are `MachineHost.image`'s.
///
/// Each image has a folder of its own, and stands alone: it refers to nothing, and nothing changes it. Disks of machines lie
/// over it. As of `MachineHost`, every call looks first and acts second, so that it can be repeated after a crash at any point,
/// and throws a `CloudError`. Calls for one image never overlap, but for `HostDesk`'s. Work that takes long is begun, and the call
/// returns within seconds; the next call says how far it is.
public protocol ImageHost: HostDesk {
    /// Begins to make the image, unless it has begun, and says how far it is. A file from outside is looked at by our own
    /// reader first (format, no backing file, no data file, size), and no program opens it but in a sandbox, with its format
    /// named.
    func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking

    /// Ends the work under way, if there is any, and removes all that is here of the image, uploads included. Nothing to remove
    /// is success, and so is another image of the same id, which stays. Throws `CONFLICT` when a disk lies over it.
    func eraseImage(_ image: ImageOnHost) async throws

    /// The images of which anything is on this host, half-made and fetched ones included.
    func imageIds() async throws -> Set<Int64>
}

/// What a host makes an image of.
public enum ImageMaterial: Sendable, Equatable {
    case snapshot(DiskSnapshot)
    /// The disk of a machine that is off.
    case disk(machineId: Int64, createdAtMs: Int64)
    /// The file whose bytes `HostDesk.receive` has taken.
    case upload(ImageFile, size: Int64)
    case url(String, ImageFile)
}

/// How far an image is.
public enum ImageMaking: Sendable, Equatable {
    /// The text says how far, for the owner: `copying, 120 of 600 MB`.
    case working(String)
    case made(MadeImage)
    /// It can't be made, for this reason, which says what to do.
    case failed(String)
}
