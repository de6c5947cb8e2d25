import ArgumentParser
import CloudClient
import CloudWire

/// `strettch compute start`.
struct ComputeStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Boot a stopped compute, with its disk and addresses as they were.")

    @OptionGroup var change: ComputeChangeOptions

    func run() async throws { try await change.run { try await $0.startCompute(id: $1.id) } }
}

/// `strettch compute stop`.
struct ComputeStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Shut a compute down; it keeps its disk and addresses.",
        discussion:
            "The guest is asked first. One that does not heed loses its power after the server's grace period."
    )

    @OptionGroup var change: ComputeChangeOptions

    func run() async throws { try await change.run { try await $0.stopCompute(id: $1.id) } }
}

/// `strettch compute reboot`.
struct ComputeRebootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reboot", abstract: "Shut a compute down and boot it again.")

    @OptionGroup var change: ComputeChangeOptions

    func run() async throws { try await change.run { try await $0.rebootCompute(id: $1.id) } }
}

/// `strettch compute upsize`.
struct ComputeUpsizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upsize", abstract: "Give a stopped compute a larger specification.",
        discussion: "vCPUs and RAM change with the next start; the disk grows. Nothing can be made smaller.")

    @OptionGroup var change: ComputeChangeOptions

    @Option(help: "Slug of the specification, like S-2C-4G.")
    var specification: String

    func run() async throws {
        let upsize = UpsizeComputeWire(newSpecification: specification)
        try await change.run { try await $0.upsizeCompute(id: $1.id, upsize) }
    }
}

/// `strettch compute update`.
struct ComputeUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change a compute's name, tags or protection from deletion.",
        discussion: "What is not named stays as it is. The guest takes a new name at its next boot.")

    @OptionGroup var change: ComputeChangeOptions

    @Option(help: "New host name.")
    var name: String?

    @Option(help: "A tag; can be repeated. All of them take the place of the present ones.")
    var tag: [String] = []

    @Flag(help: "Take all tags off.")
    var noTags = false

    @Flag(inversion: .prefixedNo, help: "Refuse or allow its deletion.")
    var protection: Bool?

    func validate() throws {
        guard name != nil || !tag.isEmpty || noTags || protection != nil else {
            throw ValidationError("Nothing to change. Give --name, --tag, --no-tags or --protection.")
        }
        guard tag.isEmpty || !noTags else { throw ValidationError("--tag and --no-tags exclude each other.") }
    }

    /// What is sent.
    var update: UpdateComputeWire {
        UpdateComputeWire(
            hostName: name, tags: noTags ? [] : (tag.isEmpty ? nil : tag), deletionProtection: protection)
    }

    func run() async throws {
        let update = update
        try await change.run { try await $0.updateCompute(id: $1.id, update) }
    }
}

/// What all commands that change one compute share.
struct ComputeChangeOptions: ParsableArguments {
    @Argument(help: "Id or name of the compute.")
    var compute: String

    @Flag(help: "Wait until it is done.")
    var wait = false

    @Option(help: "The longest to wait, in seconds.")
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws { try CommandWait.validate(timeoutSeconds: timeout) }

    /// Finds the compute, sends the change, waits for its end when asked to, and prints the compute.
    func run(
        _ send: @escaping @Sendable (StrettchClient, ComputeWire) async throws -> EnvelopeWire<ComputeWire>
    ) async throws {
        try await options.withClient { client in
            let found = try await ComputeCommandFind.find(compute, client)
            var changed = try await send(client, found).data
            // What is done at once has nothing to wait for, and a failure that it shows is an older one.
            if wait, changed.task != nil { changed = try await end(of: changed, client) }
            try OutputStreams.result(
                options.json ? try OutputText.json(changed) : OutputCompute.changed(changed))
        }
    }

    private func end(of compute: ComputeWire, _ client: StrettchClient) async throws -> ComputeWire {
        let outcome = try await ComputeCommandWait.wait(compute.id, client, timeoutSeconds: timeout) {
            $0?.task == nil
        }
        return try Self.ended(outcome, name: OutputCompute.name(compute), timeoutSeconds: timeout)
    }

    /// The compute once nothing is being done to it. Throws `CommandFailure` with status 8 when that takes too long, or
    /// ended otherwise than was asked for.
    static func ended(
        _ outcome: WaitOutcome<ComputeWire>, name: String, timeoutSeconds: Int
    ) throws -> ComputeWire {
        let ended = try CommandWait.ended(outcome, name: name, timeoutSeconds: timeoutSeconds)
        guard let failure = ended.failure else { return ended }
        throw CommandFailure(.notReached, code: failure.code, "\(name) is \(ended.state): \(failure.message)")
    }
}
