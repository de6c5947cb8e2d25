import CloudControl
import CloudCore
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
