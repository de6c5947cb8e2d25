import ArgumentParser
import CloudClient
import CloudWire

/// `strettch specification`: the sizes that a compute can have, over the API.
struct SpecificationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "specification", abstract: "Show the sizes that a compute can have.",
        subcommands: [SpecificationListCommand.self])
}

/// `strettch specification list`.
struct SpecificationListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the sizes that a compute can have.")

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let all = try await client.allSpecifications()
            try OutputStreams.result(
                options.json ? try OutputText.json(all) : OutputCatalogue.specifications(all))
        }
    }
}

/// `strettch region`: the places where a compute can be made, over the API.
struct RegionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region", abstract: "Show the regions that a compute can be made in.",
        subcommands: [RegionListCommand.self])
}

/// `strettch region list`.
struct RegionListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the regions that a compute can be made in.")

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let all = try await client.regions().data
            try OutputStreams.result(options.json ? try OutputText.json(all) : OutputCatalogue.regions(all))
        }
    }
}
