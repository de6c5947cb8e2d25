import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudServer
import CloudWorker
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Everything that one `strettch serve` runs, put together.
struct Cell: Sendable {
    let cloud: Cloud
    /// `nil` for a server of the API alone.
    private let host: CellHost?
    private let links: CellLinks
    private let metrics: CellMetrics
    private let wake: Wake
    private let settings: ServeSettings
    private let listener: CloudListener.Settings
    /// Writes to the database that wait for their turn.
    private let waitingWrites: @Sendable () -> Int
    /// Signalled for a host's jobs, where other programs are on the database.
    private let jobs: (@Sendable (_ hostId: Int64) -> Changes)?
    private let logger: Logger

    /// Opens the database and registers the host; at the first start, saves and shows the owner's key. The folder must be
    /// locked.
    static func open(_ settings: ServeSettings, _ folder: DataFolder, _ logger: Logger) async throws -> Cell {
        try settings.role.check(isEmbedded: settings.database == nil)
        if let metrics = settings.metrics, metrics == settings.listen {
            throw CloudError(
                .validationError,
                "listen and metrics are the same address, \(metrics). Give one of them another port.")
        }
        let catalogue = try settings.readCatalogue()
        let listener = try settings.listener(
            connections: OpenFiles.connections(settings.maxConnections, logger))
        let wake = Wake()
        let opened = try settings.databaseSettings.open(folder, hearsChanges: settings.role.answersAPI)
        let database = opened.database
        let images = ImageStore(directory: settings.images(folder), logger: logger)
        var cloud = Cloud(
            database: database, catalogue: catalogue,
            settings: settings.cloud,
            randomBytes: SystemRandom.bytes, wake: { wake.signal() })
        if settings.role.hasHost, !settings.simulated {
            await images.learnSizes(of: catalogue.images)
            cloud.imageBytes = { images.virtualBytes(of: $0) }
        }
        let installationId = try await bootstrap(settings, cloud)
        let host =
            settings.role.hasHost
            ? try await CellHost.open(settings, folder, installationId: installationId, images, cloud, logger)
            : nil
        if let claim = host?.claim { cloud.ownHost = { claim.owned } }
        let metrics = CellMetrics()
        let links = try CellLinks(settings, host, cloud, metrics.link)
        cloud.hostLinks = links.table
        await images.fetch { [cloud] image, file, offset in
            try await links.imageFile(image, file, from: offset, cloud)
        }
        return Cell(
            cloud: cloud, host: host, links: links, metrics: metrics, wake: wake, settings: settings,
            listener: listener,
            waitingWrites: { opened.waitingWrites }, jobs: opened.jobs, logger: logger)
    }

    /// The cell's installation id. Who answers the API also makes the first team and its owner's key.
    private static func bootstrap(_ settings: ServeSettings, _ cloud: Cloud) async throws -> String {
        guard settings.role.answersAPI else { return try await Bootstrap.installationId(in: cloud) }
        let firstKey = FirstKey(listen: settings.listen, isSecure: settings.tls != nil)
        let kept = Mutex<String?>(nil)
        let started = try await Bootstrap(
            keep: { key in
                let path = try firstKey.save(key)
                kept.withLock { $0 = path ?? $0 }
            }
        ).run(in: cloud)
        if let key = started.ownerKey { try firstKey.show(key, earlier: kept.withLock { $0 }) }
        return started.installationId
    }

    /// Serves until SIGTERM or SIGINT, then finishes the requests and steps under way. Machines go on. Throws when the host
    /// is another worker's by now.
    func run() async throws {
        // They end in the reverse order, so the last requests count too.
        let services =
            metricsListener(metrics) + hostServices(metrics)
            + links.services(cloud, metrics.link, logger) + apiServices(metrics)
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                // By default the name is all that the service consists of: long to put together, and settings would be in it.
                .init(service: $0, serviceName: "\(type(of: $0))")
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: configuration).run()
    }

    private func hostServices(_ metrics: CellMetrics) -> [any Service] {
        guard let host else { return [] }
        let parts = host.services(settings, cloud, wake, metrics.worker, logger)
        var services: [any Service] = [parts.heartbeat, parts.worker, parts.supervisor, parts.accountant]
        if let pool = host.warmPool(cloud, metrics.worker, logger) { services.append(pool) }
        if !settings.simulated {
            services.append(
                SpaceWatch(host: host.machines, clock: cloud.clock, metrics: metrics.worker, logger: logger))
        }
        if settings.network == .bridged, !settings.simulated {
            services.append(
                MetadataListener(cloud: cloud, listen: settings.metadataListen, logger: logger))
        }
        // Other programs' requests are for this host's worker too.
        if let jobs {
            services.append(WakeByChanges(claim: host.claim, jobs: jobs, clock: cloud.clock, wake: wake))
        }
        return services
    }

    private func apiServices(_ metrics: CellMetrics) -> [any Service] {
        guard settings.role.answersAPI else { return [] }
        let listener = CloudListener(
            cloud: cloud, settings: listener, metrics: metrics.requests, logger: logger,
            onRunning: { address in logger.notice("serving", metadata: ["address": "\(address)"]) })
        return [KeyUseWriter(cloud: cloud, logger: logger), listener]
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
    /// The folder of the host's images: beside the disks that lie over them.
    func images(_ folder: DataFolder) -> String {
        self.disks.map(SharedDisks.images) ?? folder.path + "/images"
    }

    /// The operator's catalogue, or the built-in one. Throws when it can't be used.
    func readCatalogue() throws -> Catalogue {
        try self.catalogue.map { try CatalogueFile.read(path: $0) } ?? CatalogueFile.builtIn()
    }
}

/// Makes the host that the settings ask for.
struct HostFactory: Sendable {
    let settings: ServeSettings
    let folder: DataFolder
    let images: ImageStore
    let logger: Logger

    func open(installationId: String) async throws -> any MachineHost {
        try folder.checkMachines(areSimulated: settings.simulated)
        guard !settings.simulated else {
            logger.notice("machines are pretended")
            return try SimulatedFolderHost(
                path: folder.simulatedMachines, networkMode: settings.network,
                delay: .milliseconds(settings.simulatedDelay))
        }
        var network = BridgedNetwork(settings: try settings.networkSettings())
        if settings.network == .bridged { try network.claim(for: installationId) }
        var qemu = QEMUHost.Settings(
            dataDirectory: folder.path, installationId: installationId, networkMode: settings.network)
        qemu.logger = logger
        qemu.teamImages = TeamImageSettings(
            maxImageGb: settings.maxImageGb, allowedBlocks: settings.imageUrlAllow ?? [])
        qemu.disks = settings.disks
        qemu.guestGroups = settings.guestGroups
        qemu.userModeInternet = settings.userModeInternet
        if settings.network == .bridged { qemu.nameservers = try await nameservers(network) }
        if let underlay = settings.underlay { qemu.move.address = underlay }
        let host = try await QEMUHost.open(
            qemu,
            images: QEMUHost.Images(
                status: { await images.status($0) }, ready: { try await images.ready($0) },
                check: { try await images.check($0) }, end: { await images.end($0) }),
            network: settings.network == .bridged ? network : nil)
        if let problem = host.guestGroupsProblem {
            logger.warning("guests have no control groups", metadata: ["reason": "\(problem)"])
        }
        logger.notice(
            "host ready",
            metadata: ["accelerator": "\(host.accelerator)", "network": "\(settings.network.rawValue)"])
        return host
    }

    private func nameservers(_ network: BridgedNetwork) async throws -> [IPv4Address] {
        if let set = settings.nameservers { return set }
        let found = try await network.nameservers()
        if found.file == nil {
            logger.notice(
                "Guests ask public name servers, since this host asks none that they reach. Set nameservers to change that.",
                metadata: ["nameservers": "\(found.addresses)"])
        }
        return found.addresses
    }
}
