import CloudCore
import CloudDatabase
import CloudMachines
import Logging

/// Sees to it that no resource gets an id that anything on the host bears: a database that was put back by hand gives
/// ids out again, and a new compute would find another owner's machine. Called before the first request.
public struct ReserveIds: Sendable {
    private let database: any Database
    private let host: any MachineHost
    private let logger: Logger

    public init(database: any Database, host: any MachineHost, logger: Logger) {
        self.database = database
        self.host = host
        self.logger = logger
    }

    public func run() async throws {
        let onHost = try await host.machineIds().union(try await host.snapshots.snapshotIds())
            .union(try await host.teamImages.imageIds())
        guard let highest = onHost.max() else { return }
        let wasFree = try await database.write(.reserveIds) { sql in
            try sql.identities.reserveResources(to: highest)
        }
        guard wasFree else { return }
        logger.warning(
            """
            Machines, snapshots or images on this host are newer than the database: it was put back by hand. Use 'strettch admin restore', \
            which sees to more.
            """,
            metadata: ["highest": "\(highest)"])
    }
}
