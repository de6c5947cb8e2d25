import ArgumentParser
import CloudClient
import CloudWire
import Foundation

/// `strettch image create`.
struct ImageCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an image of a snapshot, a stopped compute or a file on a web server.",
        discussion: """
            Give one of --snapshot, --compute and --from-url; 'strettch image upload' makes an image of a file of yours. \
            Prints the image as soon as the server has accepted it, or with --wait when it is READY.
            """)

    @Argument(help: "Slug of the image: letters, digits and . _ -, 63 at most.")
    var slug: String

    @Option(help: "Id or name of the snapshot that it is made of.")
    var snapshot: String?

    @Option(help: "Id or name of the stopped compute whose disk it is made of.")
    var compute: String?

    @Option(help: "URL of the file that it is made of.")
    var fromUrl: String?

    @OptionGroup var file: ImageFileOptions
    @Option(help: "SHA-256 of the file at the URL, in hexadecimal digits.")
    var sha256: String?

    @OptionGroup var making: ImageMakingOptions

    func validate() throws {
        let sources = [snapshot, compute, fromUrl].compactMap(\.self)
        guard sources.count == 1 else {
            throw ValidationError("Give one of --snapshot, --compute and --from-url.")
        }
        guard fromUrl != nil || (file.format == nil && sha256 == nil) else {
            throw ValidationError("--format and --sha256 are of a file. Give them with --from-url.")
        }
    }

    func run() async throws {
        try await making.options.withClient { client in
            let request = try await request(client)
            let image = try await making.create(request, client)
            try await making.report(image, client)
        }
    }

    private func request(_ client: StrettchClient) async throws -> CreateImageWire {
        var request = CreateImageWire(
            slug: slug, name: making.name, url: fromUrl, format: file.format?.rawValue, sha256: sha256,
            deletionProtection: making.protection ? true : nil)
        if let snapshot { request.snapshot = try await SnapshotCommandFind.find(snapshot, client).id }
        if let compute { request.compute = try await ComputeCommandFind.find(compute, client).id }
        return request
    }
}

/// What a disk file is like.
struct ImageFileOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case qcow2, raw }

    @Option(help: "Format of the file: qcow2 or raw. The default is qcow2.")
    var format: Format?
}

/// What all commands have in common that make an image.
struct ImageMakingOptions: ParsableArguments {
    @Option(help: "Name of the image, for people. The default is the slug.")
    var name: String?

    @Flag(
        name: [.long, .customLong("protect")],
        help: "Refuse its deletion until 'strettch image update --no-protection'.")
    var protection = false

    @Option(help: "UUID v4 that names this request. The same one again never makes a second image.")
    var idempotencyKey: String?

    @Flag(help: "Wait until the image is READY.")
    var wait = false

    @Option(help: "The longest to wait, in seconds.")
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws {
        try CommandWait.validate(timeoutSeconds: timeout)
        try CommandKey.validate(idempotencyKey)
    }

    func create(_ request: CreateImageWire, _ client: StrettchClient) async throws -> TeamImageWire {
        try await CommandKey.send(idempotencyKey, what: "request", never: "makes a second image") {
            try await client.createImage(request, idempotencyKey: $0).data
        }
    }

    /// Waits for the image if that is wanted, and prints it.
    func report(_ image: TeamImageWire, _ client: StrettchClient) async throws {
        var image = image
        if wait { image = try await ImageCommandWait.ready(image, client, timeoutSeconds: timeout) }
        let text = wait ? OutputImage.ready(image) : OutputImage.accepted(image)
        try OutputStreams.result(options.json ? try OutputText.json(image) : text)
    }
}

/// Waiting for an image, with its progress on the screen.
enum ImageCommandWait {
    /// The image once it is READY. Throws `CommandFailure` with status 8 and the reason for one that is not.
    static func ready(
        _ image: TeamImageWire, _ client: StrettchClient, timeoutSeconds: Int
    ) async throws -> TeamImageWire {
        let outcome = try await wait(
            image.image, client, timeoutSeconds: timeoutSeconds, for: ["READY", "FAILED", "DELETED"]
        ) { !["UPLOADING", "PREPARING"].contains($0?.state ?? "gone") }
        return try CommandWait.reached(
            outcome, ["READY"], name: OutputImage.name(image), timeoutSeconds: timeoutSeconds)
    }

    /// Shows the image's steps on standard error until `isReached`, or the time is up.
    /// - Parameter states: the server is asked to answer as soon as the image is in one of them.
    static func wait(
        _ slug: String, _ client: StrettchClient, timeoutSeconds: Int, for states: [String],
        until isReached: (TeamImageWire?) -> Bool
    ) async throws -> WaitOutcome<TeamImageWire> {
        try await CommandWait.showing { onLook in
            try await client.waitForImage(
                slug, bounds: WaitBounds(timeout: .seconds(timeoutSeconds)), for: states, until: isReached,
                onLook: onLook)
        }
    }
}
