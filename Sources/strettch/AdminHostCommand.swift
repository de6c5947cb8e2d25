import ArgumentParser
import CloudControl
import CloudCore

/// `strettch admin host`.
struct AdminHostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "Show hosts, and say what they may be used for.",
        subcommands: [
            AdminHostListCommand.self, AdminHostCordonCommand.self, AdminHostUncordonCommand.self,
            AdminHostDrainCommand.self, AdminHostEvacuateCommand.self, AdminHostRemoveCommand.self,
        ])
}

/// `strettch admin host list`.
struct AdminHostListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all hosts.")

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let hosts = try await ReportHosts().run(in: try options.cloud()).map { OutputHost($0) }
        try options.show(hosts, OutputHost.table(hosts))
    }
}

/// `strettch admin host cordon`.
struct AdminHostCordonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordon", abstract: "Let a host get no new computes; those that are there stay.")

    @Argument(help: "The host's name.") var name: String
    @OptionGroup var options: AdminOptions

    func run() async throws { try await options.change(host: name, .cordon) }
}

/// `strettch admin host uncordon`.
struct AdminHostUncordonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uncordon", abstract: "Let a host that is cordoned or drained get new computes again.")

    @Argument(help: "The host's name.") var name: String
    @OptionGroup var options: AdminOptions

    func run() async throws { try await options.change(host: name, .uncordon) }
}

/// `strettch admin host remove`.
struct AdminHostRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take a host that has no computes left out of the cell. A worker that runs there ends.")

    @Argument(help: "The host's name.") var name: String
    @Flag(help: "Skip the question. Without a terminal, nothing is asked.") var yes = false
    @OptionGroup var options: AdminOptions

    func run() async throws {
        try options.confirm("Remove the host \(OutputText.clean(name)) from the cell?", yes: yes)
        try await options.change(host: name, .remove)
    }
}

extension AdminOptions {
    fileprivate func change(host name: String, _ change: ChangeHost.Change) async throws {
        let host = OutputHost(try await ChangeHost(name: name, change: change).run(in: try cloud()))
        try show(host, host.line)
    }
}

/// One host as the operator's commands print it.
struct OutputHost: Encodable {
    var id: String
    var name: String
    var state: String
    /// Nobody hears of it.
    var isDown: Bool
    var region: String?
    /// Computes that are not DESTROYED.
    var computes: Int
    /// Computes that are on their way from it or to it.
    var moves: Int
    var vcpus: Room
    var memoryMb: Room
    var storageGb: Room
    var accelerator: String?
    var underlay: String?
    /// Names the folder of the disks, when other hosts can have it too.
    var store: String?
    var labels: [String]
    var images: [String]

    /// What is given out of a resource.
    struct Room: Encodable {
        var taken: Int
        /// Overcommit included; none: unlimited.
        var all: Int?

        var text: String { all.map { "\(taken)/\($0)" } ?? "\(taken)" }
    }

    init(_ report: HostReport) {
        let host = report.host
        id = String(host.id)
        name = host.name
        state = host.state.rawValue
        isDown = report.isDown
        region = host.region
        computes = report.computes
        moves = report.moves
        vcpus = Room(taken: host.taken.vcpus, all: host.capacity.vcpus)
        memoryMb = Room(taken: host.taken.memoryMb, all: host.capacity.memoryMb)
        storageGb = Room(taken: host.taken.storageGb, all: host.capacity.storageGb)
        accelerator = host.accelerator
        underlay = host.underlay
        store = host.store
        labels = host.labels
        images = report.images
    }

    static func table(_ hosts: [OutputHost]) -> String {
        guard !hosts.isEmpty else {
            return "There are no hosts. One joins when 'strettch serve' starts on it."
        }
        return OutputTable(
            header: ["NAME", "STATE", "REGION", "COMPUTES", "MOVES", "VCPUS", "RAM MB", "DISK GB", "LABELS"],
            rows: hosts.map {
                [
                    $0.name, $0.isDown ? "\($0.state), DOWN" : $0.state, $0.region ?? "every",
                    "\($0.computes)", "\($0.moves)",
                    $0.vcpus.text, $0.memoryMb.text, $0.storageGb.text, $0.labels.joined(separator: ","),
                ]
            }
        ).text
    }

    /// What became of it.
    var line: String {
        let left = computes == 0 ? "no computes are left on it" : "\(computes) computes are on it"
        return OutputText.clean("\(name) is \(state); \(left).")
    }
}
