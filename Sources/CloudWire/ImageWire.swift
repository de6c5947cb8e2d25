/// An image of the catalogue as the public API shows it.
public struct ImageWire: Codable, Sendable, Equatable {
    /// The slug, by which creates name it.
    public var image: String
    public var imageName: String
    public var version: String
    public var displayName: String
    /// `public`; absent from a server of which all images are the catalogue's.
    public var scope: String?
    /// GiB of the smallest disk that it fits on; absent where the catalogue does not say.
    public var minStorageGb: Int?

    public init(
        image: String, imageName: String, version: String, displayName: String, scope: String? = "public",
        minStorageGb: Int? = nil
    ) {
        self.image = image
        self.imageName = imageName
        self.version = version
        self.displayName = displayName
        self.scope = scope
        self.minStorageGb = minStorageGb
    }
}
