import ArgumentParser
import CloudClient
import CloudWire

/// `strettch compute wait`.
struct ComputeWaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Show a compute's steps until it runs or has failed.")

    @Argument(help: "Id or name of the compute.")
    var compute: String

    @Option(help: ArgumentHelp("Wait at most so long.", valueName: "seconds"))
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws { try CommandWait.validate(timeoutSeconds: timeout) }

    func run() async throws {
        try await options.withClient { client in
            let found = try await ComputeCommandFind.find(compute, client)
            let outcome = try await ComputeCommandWait.wait(
                found.id, client, timeoutSeconds: timeout, for: ComputeCommandWait.createdStates
            ) {
                $0?.state != "CREATING"
            }
            let running = try ComputeCommandWait.running(
                outcome, name: found.hostName, timeoutSeconds: timeout)
            try OutputStreams.result(options.json ? OutputText.json(running) : OutputCompute.detail(running))
        }
    }
}
