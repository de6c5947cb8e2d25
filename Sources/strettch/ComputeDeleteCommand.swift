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

    @Flag(help: "Don't ask. Nothing is asked either where there is no terminal.")
    var yes = false

    @Flag(help: "Wait until nothing is left of them.")
    var wait = false

    @Option(help: "The longest to wait for each, in seconds.")
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws { try CommandWait.validate(timeoutSeconds: timeout) }

    func run() async throws {
        try await options.withClient { client in
            let found = try await find(client)
            guard yes || !OutputStreams.canAsk || OutputStreams.confirm(Self.question(found)) else {
                throw CommandFailure(.failure, "Nothing was deleted.")
            }
            try await delete(found, client)
        }
    }

    static func question(_ computes: [ComputeWire]) -> String {
        "Destroy \(computes.map { OutputCompute.name($0) }.joined(separator: ", ")) for good?"
    }

    /// Each compute once, in the order in which they were named.
    private func find(_ client: StrettchClient) async throws -> [ComputeWire] {
        var found: [ComputeWire] = []
        for name in computes {
            let compute = try await ComputeCommandFind.find(name, client)
            if !found.contains(where: { $0.id == compute.id }) { found.append(compute) }
        }
        return found
    }

    /// Tries all of them. The first failure is thrown at the end, the others are printed at once.
    private func delete(_ computes: [ComputeWire], _ client: StrettchClient) async throws {
        var deleted: [ComputeWire] = []
        var first: (any Error)?
        for compute in computes {
            do {
                deleted.append(try await client.deleteCompute(id: compute.id).data)
            } catch {
                if first == nil { first = error } else { OutputStreams.note(OutputText.error(error)) }
            }
        }
        if options.json { try OutputStreams.result(OutputText.json(deleted)) }
        for compute in deleted { try await report(compute, client) }
        if let first { throw first }
    }

    private func report(_ compute: ComputeWire, _ client: StrettchClient) async throws {
        let name = OutputCompute.name(compute)
        if wait {
            let outcome = try await ComputeCommandWait.wait(
                compute.id, client, timeoutSeconds: timeout, for: ["DESTROYED"]
            ) {
                $0 == nil || $0?.state == "DESTROYED"
            }
            try CommandWait.gone(outcome, name: name, timeoutSeconds: timeout)
        }
        if !options.json {
            try OutputStreams.result(wait ? "\(name) is gone." : "\(name) is \(compute.state).")
        }
    }
}
