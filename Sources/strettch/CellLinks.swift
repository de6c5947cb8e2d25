import CloudControl
import CloudCore
import CloudDatabase
import CloudLink
import CloudMachines
import CloudWorker
import Logging
import ServiceLifecycle

/// The ways between this program and the others of its cell. With SQLite there are no others.
struct CellLinks: Sendable {
    /// The way to every host, this program's own included.
    let table: LinkTable
    /// What this program shows to others; `nil`: there are none.
    private let identity: LinkIdentity?
    private let desk: (any HostDesk)?
    /// Where others reach this program's host; `nil`: nowhere.
    private let address: IPv4Endpoint?
    private let answersAPI: Bool
    private let name: String
    private let owned: (@Sendable () -> OwnedHost?)?

    init(_ settings: ServeSettings, _ host: CellHost?, _ cloud: Cloud, _ metrics: LinkMetrics) throws {
        identity = settings.database == nil ? nil : try LinkIdentity()
        desk = host?.machines.teamImages
        address = settings.link
        answersAPI = settings.role.answersAPI
        name = settings.hostName ?? ServeSettings.machineName
        if let claim = host?.claim { owned = { claim.owned } } else { owned = nil }
        let own = cloud.ownHost
        table = LinkTable(
            database: cloud.database, clock: cloud.clock, own: { own()?.id }, desk: desk, identity: identity,
            metrics: metrics)
    }

    /// Bytes of a file of a team's own image, from the host that made it. Throws `RESOURCE_NOT_FOUND` when there is no such image
    /// any more, and what the way there throws.
    func imageFile(
        _ image: ImageOnHost, _ name: String, from offset: Int64, _ cloud: Cloud
    ) async throws -> ByteStream {
        let row = try await cloud.database.glance { sql in try sql.images.get(image.id) }
        guard let row, [0, row.createdAtMs].contains(image.createdAtMs) else {
            throw CloudError(.resourceNotFound, "Image \(image.id) is gone.")
        }
        return try await table.desk(of: row.hostId).file(name, of: image, from: offset)
    }

    /// What names this program to the others, and what answers them.
    func services(_ cloud: Cloud, _ metrics: LinkMetrics, _ logger: Logger) -> [any Service] {
        guard let identity else { return [] }
        let registration = LinkRegistration(
            identity: identity, answersAPI: answersAPI, name: name, database: cloud.database,
            clock: cloud.clock, host: owned, logger: logger)
        guard let address, let desk else {
            if desk != nil {
                logger.notice(
                    "Other servers of the cell can't reach this host. Where there are any, set hostLink or underlay."
                )
            }
            return [registration]
        }
        let listener = LinkListener(
            address: address, identity: identity, desk: desk, database: cloud.database, clock: cloud.clock,
            metrics: metrics, logger: logger,
            onRunning: { address in
                logger.notice("link", metadata: ["address": "\(address)"])
                await registration.listens(at: address)
            })
        return [registration, listener]
    }
}
