import ArgumentParser
import CloudControl
import CloudCore

/// `strettch admin host evacuate`.
struct AdminHostEvacuateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evacuate",
        abstract: "Start the computes of a host that is lost on other hosts that share its disks.",
        discussion: """
            Only for a host that is DOWN, and only once it is fenced: switched off, or cut off from the storage with its \
            disks and from the network. A host that is only silent runs its guests still, and two guests on one disk \
            destroy it; nobody but you can see that it is off. What ran starts again with its disk, addresses and name; \
            what was stopped stays stopped. Lists what could not be moved, with the reason, and ends with status 8 then; \
            repeat the command once there is room.
            """)

    @Argument(help: "The host's name.") var name: String
    @Flag(help: "You have made sure that the host is off, or can reach neither its disks nor the network.")
    var fenced = false
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let report = try await EvacuateHost(name: name, isFenced: fenced).run(in: try options.cloud())
        let output = OutputEvacuation(report)
        try options.show(output, output.text)
        guard report.left.isEmpty else { throw ExitCode(ProgramExit.notReached.rawValue) }
    }
}

/// What became of a host's computes, as the operator's command prints it.
struct OutputEvacuation: Encodable {
    var host: String
    var moved: [Moved]
    var left: [Left]

    struct Moved: Encodable {
        var id: String
        var hostName: String
        /// The name of the host that it is on now.
        var to: String
        var state: String
    }

    struct Left: Encodable {
        var id: String
        var hostName: String
        var state: String
        var reason: String
    }

    init(_ report: EvacuateHost.Report) {
        host = report.host
        moved = report.moved.map {
            Moved(id: String($0.id), hostName: $0.name, to: $0.to, state: $0.state.rawValue)
        }
        left = report.left.map {
            Left(id: String($0.id), hostName: $0.name, state: $0.state.rawValue, reason: $0.reason)
        }
    }

    /// What moved, what did not, and a line for all.
    var text: String {
        var parts: [String] = []
        if !moved.isEmpty {
            parts.append(
                OutputTable(
                    header: ["COMPUTE", "NAME", "STATE", "NOW ON"],
                    rows: moved.map { [$0.id, $0.hostName, $0.state, $0.to] }
                ).text)
        }
        if !left.isEmpty {
            parts.append(
                OutputTable(
                    header: ["COMPUTE", "NAME", "STATE", "STAYS SINCE"],
                    rows: left.map { [$0.id, $0.hostName, $0.state, $0.reason] }
                ).text)
        }
        let closing = "\(moved.count) moved from \(host), \(left.count) left on it."
        return (parts + [OutputText.clean(closing)]).joined(separator: "\n")
    }
}
