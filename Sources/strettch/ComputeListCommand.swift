import ArgumentParser
import CloudClient

/// `strettch compute list`.
struct ComputeListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the team's computes.")

    @Option(help: "Show at most so many.")
    var limit: Int?

    @Option(help: "Only those in this state, like RUNNING.")
    var state: String?

    @Option(help: "Only those with this tag. Can be repeated: all must be there.")
    var tag: [String] = []

    @Option(help: "Only those in the region with this slug.")
    var region: String?

    @Option(help: "Only those with this name.")
    var name: String?

    @OptionGroup var options: ComputeOptions

    var filter: ListFilter {
        ListFilter(state: state?.uppercased(), tags: tag, region: region, hostName: name)
    }

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit: \(limit) is less than 1.") }
    }

    func run() async throws {
        try await options.withClient { client in
            let computes = try await client.allComputes(limit: limit ?? .max, filter: filter)
            try OutputStreams.result(
                options.json
                    ? try OutputText.json(computes)
                    : OutputCompute.list(computes, isFiltered: filter != ListFilter()))
        }
    }
}

/// `strettch compute get`.
struct ComputeGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Show one compute.")

    @Argument(help: "Id or name of the compute.")
    var compute: String

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let found = try await ComputeCommandFind.find(compute, client)
            try OutputStreams.result(options.json ? OutputText.json(found) : OutputCompute.detail(found))
        }
    }
}
