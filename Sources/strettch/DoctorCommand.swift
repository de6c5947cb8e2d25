import ArgumentParser
import CloudCore
import CloudMachines
import CloudServer

/// `strettch doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say whether machines can be made on this host, and what to do where not.",
        discussion: """
            Looks at the host with the settings that 'strettch serve' would have: those of the environment and of the \
            YAML file. Ends with 1 when something must be put right first.
            """)

    @OptionGroup var data: DataOption
    @Option(help: "The server's YAML file with settings, if it has one.") var config: String?
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let settings = try ServeSettings(file: config)
        let listen: (host: String, port: Int)? =
            switch settings.listen {
            case .tcp(let host, let port): (host, port)
            case .unix: nil
            }
        let doctor = Doctor(
            dataFolder: data.data, listen: listen, link: settings.link, networkMode: settings.network,
            network: try settings.networkSettings(), nameservers: settings.nameservers ?? [])
        let report = await doctor.run()
        try OutputStreams.result(json ? report.json() : report.table)
        guard report.isHealthy else { throw ExitCode.failure }
    }
}
