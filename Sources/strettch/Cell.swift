import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudServer
import CloudWorker
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// Everything that one `strettch serve` runs, put together.
struct Cell: Sendable {
    let cloud: Cloud
    private let host: any MachineHost
    private let wake: Wake
    private let settings: ServeSettings
    private let listener: CloudListener.Settings
    /// Writes to the database that wait for their turn.
    private let waitingWrites: @Sendable () -> Int
    private let logger: Logger

    /// Opens the database and the host; at the first start, saves and shows the owner's key. The folder must be locked.
    static func open(_ settings: ServeSettings, _ folder: DataFolder, _ logger: Logger) async throws -> Cell {
        let catalogue = try settings.readCatalogue()
        let listener = try settings.listener()
        let wake = Wake()
        let opened = try settings.database.open(folder)
        let database = opened.database
        let cloud = Cloud(
            database: database, catalogue: catalogue,
            settings: settings.cloud,
            randomBytes: SystemRandom.bytes, wake: { wake.signal() })
        let firstKey = FirstKey(listen: settings.listen, isSecure: settings.tls != nil)
        let started = try await Bootstrap(keep: firstKey.save).run(in: cloud)
        if let key = started.ownerKey { try firstKey.show(key) }
        let host = try await HostFactory(settings: settings, folder: folder, logger: logger)
            .open(installationId: started.installationId)
        try await ReserveIds(database: database, host: host, logger: logger).run()
        return Cell(
            cloud: cloud, host: host, wake: wake, settings: settings, listener: listener,
            waitingWrites: { opened.waitingWrites }, logger: logger)
    }

    /// Serves until SIGTERM or SIGINT, then finishes the requests and steps under way. Machines go on.
    func run() async throws {
        let metrics = CellMetrics()
        let listener = CloudListener(
            cloud: cloud, settings: listener, metrics: metrics.requests, logger: logger,
            onRunning: { address in logger.notice("serving", metadata: ["address": "\(address)"]) })
        let worker = Worker(
            database: cloud.database, host: host, catalogue: cloud.catalogue, clock: cloud.clock, wake: wake,
            bootSlots: settings.bootSlots, stopGrace: .seconds(settings.stopGrace), owner: UUID().uuidString,
            metrics: metrics.worker, logger: logger)
        let supervisor = Supervisor(
            database: cloud.database, host: host, network: worker.network, clock: cloud.clock, wake: wake,
            orphanGrace: .seconds(settings.orphanGrace), metrics: metrics.worker, logger: logger)
        let keyUse = KeyUseWriter(cloud: cloud, logger: logger)
        let accountant = Accountant(
            database: cloud.database, catalogue: cloud.catalogue, settings: settings.billing,
            clock: cloud.clock, wake: wake, logger: logger)
        // They end in the reverse order, so the last requests count too.
        var services: [any Service] =
            metricsListener(metrics) + [worker, supervisor, accountant, keyUse, listener]
        if settings.network == .bridged, !settings.simulated {
            services.append(
                MetadataListener(cloud: cloud, listen: settings.metadataListen, logger: logger))
        }
        // Other programs' requests are for this host's worker too.
        if settings.database.connection != nil {
            services.append(WakeByChanges(changes: cloud.database.changes, wake: wake))
        }
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// First among the services, so that it ends last and tells of the end of the others.
    private func metricsListener(_ metrics: CellMetrics) -> [any Service] {
        guard let listen = settings.metrics else { return [] }
        let (cloud, waitingWrites, identity) = (cloud, waitingWrites, listener.identity)
        return [
            MetricsListener(
                listen: listen, logger: logger,
                scrape: {
                    try await metrics.families(
                        CellMetrics.Sources(
                            database: cloud.database, waitingWrites: waitingWrites,
                            certificateExpiresAtMs: { identity?.expiresAtMs }, nowMs: cloud.clock.nowMs))
                },
                onRunning: { [logger] in
                    logger.notice("metrics", metadata: ["address": "\($0)/metrics"])
                })
        ]
    }
}

extension ServeSettings {
    /// The operator's catalogue, or the built-in one. Throws when it can't be used.
    func readCatalogue() throws -> Catalogue {
        try catalogue.map { try CatalogueFile.read(path: $0) } ?? CatalogueFile.builtIn()
    }
}

/// Makes the host that the settings ask for.
struct HostFactory: Sendable {
    let settings: ServeSettings
    let folder: DataFolder
    let logger: Logger

    func open(installationId: String) async throws -> any MachineHost {
        try folder.checkMachines(areSimulated: settings.simulated)
        guard !settings.simulated else {
            logger.notice("machines are pretended")
            return try SimulatedFolderHost(
                path: folder.simulatedMachines, networkMode: settings.network,
                delay: .milliseconds(settings.simulatedDelay))
        }
        let images = ImageStore(directory: folder.path + "/images", logger: logger)
        let network = BridgedNetwork(
            settings: try NetworkSettings(
                privateRange: settings.privateRange.description, teamPrefix: settings.teamPrefix,
                publicPool: settings.publicPool.map(\.description),
                metadata: settings.metadataListen.description))
        let host = try await QEMUHost.open(
            QEMUHost.Settings(
                dataDirectory: folder.path, installationId: installationId, networkMode: settings.network),
            images: QEMUHost.Images(
                status: { await images.status($0) }, ready: { try await images.ready($0) },
                check: { try await images.check($0) }),
            network: settings.network == .bridged ? network : nil)
        logger.notice(
            "host ready",
            metadata: ["accelerator": "\(host.accelerator)", "network": "\(settings.network.rawValue)"])
        return host
    }
}
