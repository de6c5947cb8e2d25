import ArgumentParser
import CloudClient
import CloudWire

/// `strettch compute delete`.
struct ComputeDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Destroy computes for good, with their disks and addresses.",
        discussion: "All of them are looked up first: when one is not found, none is deleted.")

    @Argument(help: "Ids or names of the computes.")
    var computes: [String]

    @OptionGroup var deletion: CommandDeleteOptions

    func run() async throws {
        try await deletion.options.withClient { client in
            try await CommandDelete(
                options: deletion, find: { try await ComputeCommandFind.find($0, client) },
                question: Self.question, delete: { try await client.deleteCompute(id: $0.id).data },
                wait: { compute in
                    try await ComputeCommandWait.wait(
                        compute.id, client, timeoutSeconds: deletion.timeout, for: ["DESTROYED"]
                    ) { $0 == nil || $0?.state == "DESTROYED" }
                },
                name: { OutputCompute.name($0) }, accepted: { "\(OutputCompute.name($0)) is \($0.state)." }
            ).run(computes)
        }
    }

    static func question(_ computes: [ComputeWire]) -> String {
        "Destroy \(computes.map { OutputCompute.name($0) }.joined(separator: ", ")) for good?"
    }
}
