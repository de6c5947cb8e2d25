import ArgumentParser
import CloudClient
import CloudWire

/// `strettch audit`.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show what was done in the team, by whom and when.",
        discussion: "The newest is at the bottom.")

    @OptionGroup var events: EventOptions
    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let known = try await StrettchClient.newest(events.limit) {
                try await client.auditLog(limit: $0, cursor: $1)
            }
            try await events.show(known, client, json: options.json) { _ in .show }
        }
    }
}

/// `strettch compute events`.
struct ComputeEventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happened to a compute.",
        discussion: "The newest is at the bottom. An id is enough for one that is gone.")

    @Argument(help: "Id or name of the compute.") var compute: String
    @OptionGroup var events: EventOptions
    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let (id, known) = try await find(client)
            try await events.show(known, client, json: options.json) { Self.decide($0, id: id) }
        }
    }

    /// A compute's story ends with its end.
    static func decide(_ event: EventWire, id: String) -> EventOptions.Decision {
        guard event.computeId == id else { return .skip }
        return event.kind == "compute.destroyed" ? .showAndEnd : .show
    }

    /// The compute's id and its newest events, newest first. One that is gone has no name any more.
    private func find(_ client: StrettchClient) async throws -> (id: String, events: [EventWire]) {
        if CommandFind.isId(compute), let events = try await ofId(client) { return (compute, events) }
        let id = try await ComputeCommandFind.find(compute, client).id
        return (id, try await newest(id, client))
    }

    private func ofId(_ client: StrettchClient) async throws -> [EventWire]? {
        do {
            return try await newest(compute, client)
        } catch let error as ClientError where error.kind == .refused && error.status == 404 {
            return nil  // a name may be all digits
        }
    }

    private func newest(_ id: String, _ client: StrettchClient) async throws -> [EventWire] {
        try await StrettchClient.newest(events.limit) {
            try await client.computeEvents(id: id, limit: $0, cursor: $1)
        }
    }
}

/// The options of both commands, and how they show events.
struct EventOptions: ParsableArguments {
    @Option(help: "Show at most so many that have happened.") var limit = 50
    @Flag(name: .shortAndLong, help: "Keep printing new events until interrupted.") var follow = false

    private static let maxLimit = 10_000

    func validate() throws {
        guard (1...Self.maxLimit).contains(limit) else {
            throw ValidationError("--limit: \(limit) is not between 1 and \(Self.maxLimit).")
        }
    }

    /// What to do with an event that happens.
    enum Decision: Sendable, Equatable {
        case skip, show, showAndEnd
    }

    /// Shows what has happened, oldest first, and then, if asked to, what happens.
    /// - Parameter known: newest first.
    func show(
        _ known: [EventWire], _ client: StrettchClient, json: Bool, _ decide: (EventWire) -> Decision
    ) async throws {
        if json && !follow {
            try OutputStreams.result(OutputText.json(Array(known.reversed())))
        } else {
            if !json { try OutputStreams.result(OutputEvent.header) }
            for event in known.reversed() { try write(event, json: json) }
        }
        guard follow, known.first.map(decide) != .showAndEnd else { return }
        try await client.follow(after: known.first?.id ?? "0", onLoss: Self.tell) { event in
            let decision = decide(event)
            if decision != .skip { try write(event, json: json) }
            return decision != .showAndEnd
        }
    }

    private static func tell(_ error: ClientError) {
        OutputStreams.note("\(OutputText.error(error)) Trying again until it answers.")
    }

    private func write(_ event: EventWire, json: Bool) throws {
        try OutputStreams.result(json ? OutputText.jsonLine(event) : OutputEvent.line(event))
    }
}
