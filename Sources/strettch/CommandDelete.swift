import ArgumentParser
import CloudClient
import CloudWire

/// What the commands have in common that delete resources.
struct CommandDeleteOptions: ParsableArguments {
    @Flag(help: "Skip the question. Without a terminal, nothing is asked.")
    var yes = false

    @Flag(help: "Wait until nothing is left of them.")
    var wait = false

    @Option(help: "The longest to wait for each, in seconds.")
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws { try CommandWait.validate(timeoutSeconds: timeout) }
}

/// Deletes several resources of one kind. All of them are looked up first: when one is not found, none is deleted.
struct CommandDelete<Resource: LiveResourceWire> {
    var options: CommandDeleteOptions
    var find: (String) async throws -> Resource
    /// What is asked before the deletion.
    var question: ([Resource]) -> String
    var delete: (String) async throws -> Resource
    var wait: (String) async throws -> WaitOutcome<Resource>
    var name: (Resource) -> String
    /// What to say of one whose deletion was accepted and is not waited for.
    var accepted: (Resource) -> String

    func run(_ names: [String]) async throws {
        let found = try await find(names)
        try OutputStreams.confirm(question(found), yes: options.yes, refused: "Nothing was deleted.")
        try await delete(found)
    }

    /// Each resource once, in the order in which they were named.
    private func find(_ names: [String]) async throws -> [Resource] {
        var found: [Resource] = []
        for name in names {
            let resource = try await find(name)
            if !found.contains(where: { $0.id == resource.id }) { found.append(resource) }
        }
        return found
    }

    /// Tries all of them. The first failure is thrown at the end, the others are printed at once.
    private func delete(_ resources: [Resource]) async throws {
        var deleted: [Resource] = []
        var first: (any Error)?
        for resource in resources {
            do {
                deleted.append(try await delete(resource.id))
            } catch {
                if first == nil { first = error } else { OutputStreams.note(OutputText.error(error)) }
            }
        }
        if options.options.json { try OutputStreams.result(OutputText.json(deleted)) }
        for resource in deleted { try await report(resource) }
        if let first { throw first }
    }

    private func report(_ resource: Resource) async throws {
        let name = name(resource)
        if options.wait {
            try CommandWait.gone(
                try await wait(resource.id), name: name, timeoutSeconds: options.timeout)
        }
        if !options.options.json {
            try OutputStreams.result(options.wait ? "\(name) is gone." : accepted(resource))
        }
    }
}
