import ArgumentParser
import CloudCore
import CloudMachines
import Logging

/// `strettch admin image`: the images on this machine.
struct AdminImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Fetch, build, import and check the catalogue's images on this machine.",
        discussion: "'strettch image' shows and makes images over the API, from anywhere.",
        subcommands: [
            AdminImageListCommand.self, AdminImagePullCommand.self, AdminImageBuildCommand.self,
            AdminImageImportCommand.self, AdminImageVerifyCommand.self,
        ])
}

/// What all image commands take.
struct AdminImageOptions: ParsableArguments {
    @OptionGroup var data: DataOption
    @Option(help: "A catalogue of your own, in YAML.") var catalogue: String?
    @Flag(help: "Print progress details on standard error.") var verbose = false

    func images() throws -> [Image] {
        try (catalogue.map { try CatalogueFile.read(path: $0) } ?? CatalogueFile.builtIn()).images
    }

    /// Throws `RESOURCE_NOT_FOUND` and names what there is.
    func image(_ slug: String) throws -> Image {
        let images = try images()
        guard let image = images.first(where: { $0.image == slug }) else {
            throw CloudError(
                .resourceNotFound,
                "There is no image '\(slug)' in the catalogue; it has \(images.map(\.image).joined(separator: ", "))."
            )
        }
        return image
    }

    func store() throws -> ImageStore {
        var logger = Logger(label: "strettch.image") { StreamLogHandler.standardError(label: $0) }
        // What matters is told by the command itself.
        logger.logLevel = verbose ? .debug : .critical
        return ImageStore(directory: try ServeSettings.images(in: try data.folder()), logger: logger)
    }
}

/// `strettch admin image list`.
struct AdminImageListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the catalogue's images and which are installed here.")

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: AdminImageOptions

    func run() async throws {
        let listings = try await options.store().list(try options.images())
        try OutputStreams.result(
            json
                ? try OutputText.json(listings.map(OutputImageListing.init))
                : OutputImageListing.table(listings))
    }
}

/// `strettch admin image pull`.
struct AdminImagePullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Make an image ready: download it, or build it where the catalogue says so.",
        discussion: "A download that breaks off goes on from there at the next try.")

    @Argument(help: "The image's slug, for example UBUNTU-24.04.") var slug: String
    @Flag(help: "Download again even if it is installed. Computes made before keep the older disk.")
    var again = false
    @OptionGroup var options: AdminImageOptions

    func run() async throws {
        let (image, store) = (try options.image(slug), try options.store())
        try await ImageWork.run(image, in: store) { progress in
            try await store.prepare(image, again: again, progress: progress)
        }
    }
}

/// `strettch admin image build`.
struct AdminImageBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build an image again, out of this machine's package sources.")

    @Argument(help: "The slug of an image with a recipe, for example TINY-1.") var slug: String
    @OptionGroup var options: AdminImageOptions

    func run() async throws {
        let (image, store) = (try options.image(slug), try options.store())
        guard case .build = image.source else {
            throw CloudError(
                .unprocessableEntity,
                "Image \(slug) is downloaded, not built. Fetch it by: strettch admin image pull \(slug)")
        }
        try await ImageWork.run(image, in: store) { progress in
            try await store.prepare(image, again: true, progress: progress)
        }
    }
}

/// `strettch admin image import`.
struct AdminImageImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take a disk of your own as an image: a qcow2 or raw file, which is copied.")

    @Argument(help: "The image's slug in the catalogue.") var slug: String
    @Argument(help: "The disk's file.", completion: .file()) var file: String
    @OptionGroup var options: AdminImageOptions

    func run() async throws {
        let (image, store) = (try options.image(slug), try options.store())
        try await ImageWork.run(image, in: store) { progress in
            try await store.importFile(file, as: image, progress: progress)
        }
    }
}

/// `strettch admin image verify`.
struct AdminImageVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify an installed image's checksum.")

    @Argument(help: "The image's slug.") var slug: String
    @OptionGroup var options: AdminImageOptions

    func run() async throws {
        let image = try options.image(slug)
        try await options.store().verify(image)
        try OutputStreams.result("\(slug) is whole.")
    }
}
