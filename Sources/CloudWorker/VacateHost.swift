import CloudCore
import CloudDatabase
import CloudMachines
import Logging

/// Ends what is on this host of machines whose computes are other hosts' by now, as after an evacuation: nobody may start
/// or adopt them here, and their disks are the others'. Nothing is done on a host that shares its disks with none: what
/// leaves that its own worker has let go.
struct VacateHost: Sendable {
    let database: any Database
    let host: any MachineHost
    let claim: HostClaim
    let clock: any CloudClock
    let logger: Logger

    /// The longest that ending one of them may take.
    static let limit = Duration.seconds(30)
    /// Those that are ended together: some wait for storage that the host was cut off from.
    static let maxTogether = 32

    /// Looks at all that is on the host.
    func run() async throws {
        guard claim.sharesDisks else { return }
        _ = try await run(try await host.machineIds())
    }

    /// Ends those among these machines, and returns them. One that can't be ended does not keep the others from it.
    func run(_ machines: Set<Int64>) async throws -> Set<Int64> {
        guard claim.sharesDisks, !machines.isEmpty else { return [] }
        let claim = claim
        let elsewhere = try await database.read { sql in
            try sql.hosts.elsewhere(machines, than: try claim.check(sql))
        }
        var rest = elsewhere.sorted()[...]
        await withTaskGroup(of: Void.self) { group in
            for id in rest.prefix(Self.maxTogether) { group.addTask { await vacate(id) } }
            rest = rest.dropFirst(Self.maxTogether)
            for await _ in group {
                if let next = rest.popFirst() { group.addTask { await vacate(next) } }
            }
        }
        return elsewhere
    }

    private func vacate(_ id: Int64) async {
        let host = host
        do {
            try await withTimeout(
                Self.limit, by: clock, late: .late("Ending machine \(id)", after: Self.limit)
            ) {
                try await host.vacate(id)
            }
            logger.notice(
                "A machine is another host's by now; it is ended here.", metadata: ["machine": "\(id)"])
        } catch {
            logger.error(
                "A machine that is another host's by now could not be ended; trying again.",
                metadata: ["machine": "\(id)", "error": "\(error)"])
        }
    }
}
