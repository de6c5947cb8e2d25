import ArgumentParser
import CloudClient
import CloudWire
import Foundation

/// `strettch compute create`.
struct ComputeCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a compute.",
        discussion: """
            Prints the compute as soon as the server has accepted it, or with --wait when it can be logged in to. \
            Spaces in the name become hyphens: "my server" is created as my-server. Image, region and specification need \
            not be given where the server has only one.
            """)

    @Argument(help: "Host name of the compute.")
    var name: String

    @Option(help: "Slug of the image, like UBUNTU-24.04, of 'strettch image list'. Or give --snapshot.")
    var image: String?

    @Option(help: "Id or name of the snapshot that its disk is made of.")
    var snapshot: String?

    @Option(help: "Slug of the region, like KGL-1. See 'strettch region list'.")
    var region: String?

    @Option(help: "Slug of the specification, like S-1C-1G. See 'strettch specification list'.")
    var specification: String?

    @Option(
        help: ArgumentHelp(
            "File with SSH public keys that may log in as root; can be repeated.",
            discussion: "The default is each ~/.ssh/id_*.pub.", valueName: "file"))
    var key: [String] = []

    @Option(help: "A tag; can be repeated.")
    var tag: [String] = []

    @Flag(help: "Give it a public address.")
    var publicIp = false

    @Option(
        help: ArgumentHelp(
            "File with what cloud-init runs at the first boot; - is standard input.", valueName: "file"))
    var userData: String?

    @Flag(help: "Refuse its deletion until 'strettch compute update --no-protection'.")
    var protection = false

    @Flag(help: "Check and price it, and make nothing.")
    var dryRun = false

    @Option(help: "UUID v4 that names this create. The same one again never makes a second compute.")
    var idempotencyKey: String?

    @Flag(help: "Wait until the compute can be logged in to.")
    var wait = false

    @Option(help: "The longest to wait, in seconds.")
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws {
        guard !hostName.isEmpty else { throw ValidationError("The name is empty. Give one like web-1.") }
        guard image == nil || snapshot == nil else {
            throw ValidationError("Give either --image or --snapshot.")
        }
        guard !dryRun || !wait else { throw ValidationError("--dry-run makes nothing to --wait for.") }
        try CommandWait.validate(timeoutSeconds: timeout)
        try CommandKey.validate(idempotencyKey)
        guard (key + [userData]).count(where: { $0 == CommandFile.standardInput }) <= 1 else {
            throw ValidationError("Standard input (-) can be read once. Name files for the others.")
        }
    }

    /// The name's words joined by hyphens. The API takes names as they are; this is a kindness of the command alone.
    var hostName: String {
        name.split(whereSeparator: \.isWhitespace).joined(separator: "-")
    }

    func run() async throws {
        try await options.withClient { client in
            guard !dryRun else { return try await quote(client) }
            let accepted = try await create(client)
            warn(accepted.warnings)
            let compute = wait ? try await waitUntilRunning(accepted.data, client) : accepted.data
            if options.json {
                try OutputStreams.result(OutputText.json(compute))
            } else {
                try OutputStreams.result(
                    wait ? OutputCompute.login(compute) : OutputCompute.accepted(compute))
            }
        }
    }

    /// As much as the API takes.
    private static let maxUserDataBytes = 16384

    private func quote(_ client: StrettchClient) async throws {
        let request = try await request(client)
        let quote = try await explaining(request, client) { try await client.quoteCompute(request) }
        warn(quote.warnings)
        try OutputStreams.result(
            options.json ? try OutputText.json(quote.data) : OutputCompute.quote(quote.data))
    }

    private func warn(_ warnings: [String]?) {
        for warning in warnings ?? [] { OutputStreams.note("warning: \(OutputText.clean(warning))") }
    }

    private func request(_ client: StrettchClient) async throws -> CreateComputeWire {
        let keys = try ComputeCommandKeys.read(
            files: key, home: HomeFolder.path(environment: ProcessInfo.processInfo.environment))
        let userData = try userData.map { try CommandFile.text($0, maxBytes: Self.maxUserDataBytes) }
        var source: SnapshotWire?
        if let snapshot { source = try await SnapshotCommandFind.find(snapshot, client) }
        var image = image
        if source == nil { image = try await ComputeCreateSlugs.chosen(image, .image, client) }
        return CreateComputeWire(
            hostName: hostName, image: image, snapshot: source?.id,
            region: try await ComputeCreateSlugs.chosen(region, .region, client),
            specification: try await ComputeCreateSlugs.chosen(specification, .specification, client),
            publicKeys: keys,
            tags: tag.isEmpty ? nil : tag, withPublicIp: publicIp ? true : nil,
            userData: userData, deletionProtection: protection ? true : nil)
    }

    private func create(_ client: StrettchClient) async throws -> EnvelopeWire<ComputeWire> {
        let request = try await request(client)
        return try await explaining(request, client) {
            try await CommandKey.send(
                idempotencyKey, what: "create", never: "makes a second compute"
            ) { try await client.createCompute(request, idempotencyKey: $0) }
        }
    }

    /// Runs `body`. When it fails since slugs of the request don't exist, the error proposes those that do.
    private func explaining<Answer>(
        _ request: CreateComputeWire, _ client: StrettchClient, _ body: () async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await body()
        } catch let error as ClientError {
            var slugs: [ComputeCreateSlugs.Field: String] = [:]
            slugs[.image] = request.image
            slugs[.region] = request.region
            slugs[.specification] = request.specification
            throw await ComputeCreateSlugs.explained(error, slugs, client)
        }
    }

    private func waitUntilRunning(_ compute: ComputeWire, _ client: StrettchClient) async throws
        -> ComputeWire
    {
        let outcome = try await ComputeCommandWait.wait(
            compute.id, client, timeoutSeconds: timeout, for: ComputeCommandWait.createdStates
        ) {
            // CREATING and STARTING lead to RUNNING; from every other state it would not come by itself.
            !["CREATING", "STARTING", "REBOOTING"].contains($0?.state ?? "gone")
        }
        return try ComputeCommandWait.running(
            outcome, name: OutputCompute.name(compute), timeoutSeconds: timeout)
    }
}
