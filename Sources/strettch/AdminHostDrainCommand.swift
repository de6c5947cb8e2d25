import ArgumentParser
import CloudControl
import CloudCore

/// `strettch admin host drain`.
struct AdminHostDrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Let a host get no new computes, and move those that run there to other hosts.",
        discussion:
            "One at a time; tells which could not leave, and why. Broken off or repeated, it goes on where it was."
    )

    @Argument(help: "The host's name.") var name: String
    @Flag(help: "Move nothing: only let nothing new come.") var stay = false
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let report = try await ChangeHost(name: name, change: .drain).run(in: cloud)
        guard !stay else { return try options.show(OutputHost(report), OutputHost(report).line) }
        let drain = DrainHost(host: report.host, cloud: cloud)
        let left = try await drain.run()
        let after = try await ReportHosts().run(in: cloud).first { $0.host.id == report.host.id } ?? report
        let output = OutputDrain(host: OutputHost(after), left: left)
        try options.show(output, output.text)
    }
}

/// Moves what runs on a host to others, one after the other.
struct DrainHost {
    let host: HostRecord
    let cloud: Cloud

    /// A compute that could not leave.
    struct Left: Encodable {
        var id: String
        var hostName: String
        var reason: String
    }

    /// Those that could not leave. Each is tried once.
    func run() async throws -> [Left] {
        var left: [Left] = []
        for (id, name) in try await HostComputes(hostId: host.id).run(in: cloud) {
            guard let reason = try await leave(id) else { continue }
            left.append(Left(id: String(id), hostName: name, reason: reason))
        }
        return left
    }

    /// Why it could not leave; `nil`: it has left.
    private func leave(_ id: Int64) async throws -> String? {
        do {
            let move = try await MoveCompute(id: id).run(in: cloud)
            switch try await MoveWait(cloud: cloud).wait(for: move) {
            case .moved: return nil
            case .failed(let reason): return reason
            case .underWay(let how): return "its move is still under way: \(how)"
            }
        } catch let error as CloudError where error.code == .resourceNotFound {
            return nil  // deleted meanwhile
        } catch let error as CloudError
            where [.conflict, .unprocessableEntity, .serviceUnavailable].contains(error.code)
        {
            return error.message
        }
    }
}

/// What a drain came to, as the operator's commands print it.
struct OutputDrain: Encodable {
    var host: OutputHost
    var left: [DrainHost.Left]

    var text: String {
        ([host.line] + left.map { OutputText.clean("\($0.hostName) (\($0.id)) stays: \($0.reason)") })
            .joined(separator: "\n")
    }
}
