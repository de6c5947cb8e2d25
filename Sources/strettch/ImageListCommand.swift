import ArgumentParser
import CloudClient
import CloudWire

/// `strettch image list`.
struct ImageListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the images that a compute can be made of.",
        discussion:
            "Those of the scope public are for every team, those of the scope team are the team's own.")

    enum Scope: String, ExpressibleByArgument, CaseIterable { case `public`, team }

    @Option(help: "Only those of this scope: public or team.")
    var scope: Scope?

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let images = try await client.images(scope: scope?.rawValue).data
            try OutputStreams.result(options.json ? try OutputText.json(images) : OutputImage.list(images))
        }
    }
}

/// `strettch image get`.
struct ImageGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Show one image.", aliases: ["show"])

    @Argument(help: "Slug of the image.")
    var slug: String

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let image = try await client.image(slug).data
            try OutputStreams.result(options.json ? try OutputText.json(image) : OutputImage.detail(image))
        }
    }
}

/// `strettch image wait`.
struct ImageWaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Show an image's steps until it is READY or has failed.")

    @Argument(help: "Slug of the image.")
    var slug: String

    @Option(help: ArgumentHelp("Give up after this many seconds.", valueName: "seconds"))
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws { try CommandWait.validate(timeoutSeconds: timeout) }

    func run() async throws {
        try await options.withClient { client in
            let found = try await ImageCommandFind.own(slug, client)
            let ready = try await ImageCommandWait.ready(found, client, timeoutSeconds: timeout)
            try OutputStreams.result(
                options.json ? try OutputText.json(ready) : OutputImage.detail(.ofTeam(ready)))
        }
    }
}

/// `strettch image update`.
struct ImageUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change an image's name or protection from deletion.",
        discussion: "What is not named stays as it is. The slug never changes.")

    @Argument(help: "Slug of the image.")
    var slug: String

    @Option(help: "New name, for people.")
    var name: String?

    @Flag(inversion: .prefixedNo, help: "Refuse or allow its deletion.")
    var protection: Bool?

    @OptionGroup var options: ComputeOptions

    func validate() throws {
        guard name != nil || protection != nil else {
            throw ValidationError("Nothing to change. Give --name or --protection.")
        }
    }

    func run() async throws {
        try await options.withClient { client in
            let update = UpdateImageWire(name: name, deletionProtection: protection)
            let changed = try await client.updateImage(slug, update).data
            try OutputStreams.result(
                options.json ? try OutputText.json(changed) : OutputImage.changed(changed))
        }
    }
}

/// `strettch image delete`.
struct ImageDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete images of the team's own for good. Refused while disks lie over them.",
        discussion: "All of them are looked up first: when one is not found, none is deleted.")

    @Argument(help: "Slugs of the images.")
    var slugs: [String]

    @OptionGroup var deletion: CommandDeleteOptions

    func run() async throws {
        try await deletion.options.withClient { client in
            try await CommandDelete(
                options: deletion, find: { try await ImageCommandFind.own($0, client) },
                question: Self.question, delete: { try await client.deleteImage($0.image).data },
                wait: { image in
                    try await ImageCommandWait.wait(
                        image.image, client, timeoutSeconds: deletion.timeout, for: ["DELETED"]
                    ) { $0 == nil || $0?.state == "DELETED" || $0?.id != image.id }
                },
                name: { OutputImage.name($0) }, accepted: { OutputImage.changed($0) }
            ).run(slugs)
        }
    }

    static func question(_ images: [TeamImageWire]) -> String {
        "Delete \(images.map { OutputImage.name($0) }.joined(separator: ", ")) for good?"
    }
}

/// Finds an image of the team's own.
enum ImageCommandFind {
    /// Throws `CommandFailure` for one of the catalogue's, and `ClientError`.
    static func own(_ slug: String, _ client: StrettchClient) async throws -> TeamImageWire {
        switch try await client.image(slug).data {
        case .ofTeam(let image): return image
        case .ofCatalogue:
            throw CommandFailure(
                .notFound, code: "RESOURCE_NOT_FOUND",
                "\(slug) is an image of the catalogue, for every team. See `strettch image list --scope team`."
            )
        }
    }
}
