/// A place where computes can be made.
public struct Region: Sendable, Equatable {
    public var id: Int
    /// The slug, e.g. `KGL-1`.
    public var region: String
    public var name: String
    /// ISO 3166-1 alpha-2.
    public var countryCode: String

    public init(id: Int, region: String, name: String, countryCode: String) {
        self.id = id
        self.region = region
        self.name = name
        self.countryCode = countryCode
    }
}

/// A system that a compute can start with.
public struct Image: Sendable, Equatable {
    /// The slug, e.g. `UBUNTU-24.04`.
    public var image: String
    public var imageName: String
    public var version: String
    public var displayName: String
    public var source: ImageSource
    /// The smallest disk that it fits on, where the catalogue says so: known before any host has the image.
    public var minStorageGb: Int?

    public init(
        image: String, imageName: String, version: String, displayName: String, source: ImageSource,
        minStorageGb: Int? = nil
    ) {
        self.image = image
        self.imageName = imageName
        self.version = version
        self.displayName = displayName
        self.source = source
        self.minStorageGb = minStorageGb
    }

    /// What hosts name it by, unlike any other image of the cell: its slug for one of the catalogue, `@325` for a team's own.
    public var key: String {
        switch source {
        case .url, .build: image
        case .cell(let id, _, _): Self.key(ofTeamImage: id)
        }
    }

    /// No slug of a catalogue begins like that.
    public static func key(ofTeamImage id: Int64) -> String { "@\(id)" }
}

/// Where the bytes of an image come from.
public enum ImageSource: Sendable, Equatable {
    /// A file on a web server, in a format that `qemu-img` reads (`qcow2` or `raw`).
    case url(String, checksum: ImageChecksum, format: String)
    /// Made on this machine out of Debian's packages by the named recipe.
    case build(recipe: String)
    /// A team's own: kept by a host of the cell, from which other hosts fetch it. `content` is `MadeImage.content`.
    case cell(id: Int64, createdAtMs: Int64, content: String)

    /// Whether its guests have no cloud-init, and of user data run a script alone.
    public var runsScriptsAlone: Bool { self == .build(recipe: "tiny") }
}

/// How a downloaded image is verified.
public enum ImageChecksum: Sendable, Equatable {
    /// 64 hexadecimal digits that the operator pinned.
    case sha256(String)
    /// A `SHA256SUMS` file beside the image, read over HTTPS at download time.
    case sums(url: String)
}

/// A size that a compute can have.
public struct Specification: Sendable, Equatable {
    /// A UUID, for clients of the documentation's older dialect.
    public var id: String
    /// The slug, e.g. `S-1C-1G`.
    public var specification: String
    public var vcpus: Int
    public var memoryMb: Int
    public var storageGb: Int
    /// Thousandths of a Rwandan franc for a month.
    public var priceMonthMilliRwf: Int64

    public init(
        id: String, specification: String, vcpus: Int, memoryMb: Int, storageGb: Int,
        priceMonthMilliRwf: Int64
    ) {
        self.id = id
        self.specification = specification
        self.vcpus = vcpus
        self.memoryMb = memoryMb
        self.storageGb = storageGb
        self.priceMonthMilliRwf = priceMonthMilliRwf
    }
}

extension Specification {
    /// Why a compute of the `present` size can't be upsized to this one, or `nil` (API reference: an upsize makes
    /// larger; a disk never shrinks).
    public func upsizeProblem(from present: Compute) -> String? {
        let sizes = [
            ("vCPUs", present.vcpus, vcpus), ("MB of RAM", present.memoryMb, memoryMb),
            ("GB of storage", present.storageGb, storageGb),
        ]
        let smaller = sizes.filter { $0.2 < $0.1 }.map { "\($0.2) \($0.0) instead of \($0.1)" }
        if !smaller.isEmpty {
            return
                "'\(specification)' has \(smaller.joined(separator: ", ")). Send a larger specification; nothing "
                + "can be made smaller."
        }
        return sizes.allSatisfy { $0.1 == $0.2 }
            ? "'\(specification)' is no larger than the present '\(present.specification)'. Send a larger one."
            : nil
    }
}

/// What this cloud offers. Slugs are unique in each list.
public struct Catalogue: Sendable, Equatable {
    public var regions: [Region]
    public var images: [Image]
    public var specifications: [Specification]
    /// Thousandths of a Rwandan franc for each calendar month in which a compute holds a public address.
    public var publicIpMonthMilliRwf: Int64
    /// Thousandths of a Rwandan franc for each GiB that a snapshot takes, for a mean month.
    public var snapshotGbMonthMilliRwf: Int64
    /// Thousandths of a Rwandan franc for each GiB that a team's own image takes, for a mean month.
    public var imageGbMonthMilliRwf: Int64

    public init(
        regions: [Region], images: [Image], specifications: [Specification],
        publicIpMonthMilliRwf: Int64 = Self.defaultPublicIpMonthMilliRwf,
        snapshotGbMonthMilliRwf: Int64 = Self.defaultSnapshotGbMonthMilliRwf,
        imageGbMonthMilliRwf: Int64 = Self.defaultImageGbMonthMilliRwf
    ) {
        self.regions = regions
        self.images = images
        self.specifications = specifications
        self.publicIpMonthMilliRwf = publicIpMonthMilliRwf
        self.snapshotGbMonthMilliRwf = snapshotGbMonthMilliRwf
        self.imageGbMonthMilliRwf = imageGbMonthMilliRwf
    }

    /// 2,000 francs: half of the smallest specification, as addresses are scarce.
    public static let defaultPublicIpMonthMilliRwf: Int64 = 2_000_000
    /// 80 francs: a fifth of what a GiB of the smallest specification costs with all that comes with it.
    public static let defaultSnapshotGbMonthMilliRwf: Int64 = 80_000
    /// The same as a snapshot's, since both take the same space.
    public static let defaultImageGbMonthMilliRwf: Int64 = 80_000

    public func region(_ slug: String) -> Region? { regions.first { $0.region == slug } }
    public func image(_ slug: String) -> Image? { images.first { $0.image == slug } }
    /// By slug, or by the UUID of the older dialect.
    public func specification(_ slugOrId: String) -> Specification? {
        specifications.first { $0.specification == slugOrId || $0.id == slugOrId.lowercased() }
    }
}
