import ArgumentParser
import CloudCore
import CloudMachines
import Logging

/// `strettch image`: the images on this machine.
struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Fetch, build, import and check the images on this machine.",
        subcommands: [
            ImageListCommand.self, ImagePullCommand.self, ImageBuildCommand.self, ImageImportCommand.self,
            ImageVerifyCommand.self,
        ])
}

/// What all image commands take.
struct ImageOptions: ParsableArguments {
    @OptionGroup var data: DataOption
    @Option(help: "A catalogue of your own, in YAML.") var catalogue: String?
    @Flag(help: "Tell what is going on, step by step, on standard error.") var verbose = false

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

/// `strettch image list`.
struct ImageListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the catalogue's images and what of them is here.")

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: ImageOptions

    func run() async throws {
        let listings = try await options.store().list(try options.images())
        try OutputStreams.result(
            json ? try OutputText.json(listings.map(OutputImage.init)) : OutputImage.table(listings))
    }
}

/// `strettch image pull`.
struct ImagePullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Make an image ready: download it, or build it where the catalogue says so.",
        discussion: "A download that breaks off goes on from there at the next try.")

    @Argument(help: "The image's slug, for example UBUNTU-24.04.") var slug: String
    @Flag(help: "Fetch it anew even though it is here. Computes made before keep the older disk.") var again =
        false
    @OptionGroup var options: ImageOptions

    func run() async throws {
        let (image, store) = (try options.image(slug), try options.store())
        try await ImageWork.run(image, in: store) { progress in
            try await store.prepare(image, again: again, progress: progress)
        }
    }
}

/// `strettch image build`.
struct ImageBuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build an image anew, out of this machine's package sources.")

    @Argument(help: "The slug of an image with a recipe, for example TINY-1.") var slug: String
    @OptionGroup var options: ImageOptions

    func run() async throws {
        let (image, store) = (try options.image(slug), try options.store())
        guard case .build = image.source else {
            throw CloudError(
                .unprocessableEntity,
                "Image \(slug) is downloaded, not built. Fetch it by: strettch image pull \(slug)")
        }
        try await ImageWork.run(image, in: store) { progress in
            try await store.prepare(image, again: true, progress: progress)
        }
    }
}

/// `strettch image import`.
struct ImageImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take a disk of your own as an image: a qcow2 or raw file, which is copied.")

    @Argument(help: "The image's slug in the catalogue.") var slug: String
    @Argument(help: "The disk's file.", completion: .file()) var file: String
    @OptionGroup var options: ImageOptions

    func run() async throws {
        let (image, store) = (try options.image(slug), try options.store())
        try await ImageWork.run(image, in: store) { progress in
            try await store.importFile(file, as: image, progress: progress)
        }
    }
}

/// `strettch image verify`.
struct ImageVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read an image whole and compare it with what was installed.")

    @Argument(help: "The image's slug.") var slug: String
    @OptionGroup var options: ImageOptions

    func run() async throws {
        let image = try options.image(slug)
        try await options.store().verify(image)
        try OutputStreams.result("\(slug) is whole.")
    }
}
