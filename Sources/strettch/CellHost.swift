import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudWorker
import Foundation
import Logging

/// The host that a server works on, registered as its own.
struct CellHost: Sendable {
    let machines: any MachineHost
    /// What is kept booted ahead.
    let warm: [WarmGoal]
    let claim: HostClaim
    /// Names the worker in leases; new at each start.
    let owner: String
    /// Makes the host this server's own.
    let register: @Sendable () async throws -> Void

    /// Opens the host, registers it, and reserves the ids that its machines have. The folder must be locked.
    static func open(
        _ settings: ServeSettings, _ folder: DataFolder, installationId: String, _ images: ImageStore,
        _ cloud: Cloud, _ logger: Logger
    ) async throws -> CellHost {
        let warm = try settings.warmGoals(in: cloud.catalogue)
        let shared = try settings.sharedDisks(installationId: installationId)
        let machines = try await HostFactory(
            settings: settings, folder: folder, images: images, logger: logger
        )
        .open(installationId: installationId)
        let (claim, owner) = (HostClaim(), UUID().uuidString)
        var facts = try settings.facts(
            identity: try folder.hostIdentity(), folder: folder.path, shared: shared,
            accelerator: (machines as? QEMUHost)?.accelerator.accelerator.rawValue,
            catalogue: cloud.catalogue,
            warm: warm)
        facts.moveCertificate = await moveCertificate(machines, settings, logger)
        let registered = facts
        let isEmbedded = settings.database == nil
        let register = { @Sendable () async throws -> Void in
            let databaseNowMs = try await cloud.database.read { sql in try sql.nowMs() }
            _ = try await RegisterHost(
                facts: registered, isOnlyHost: isEmbedded, owner: owner, databaseNowMs: databaseNowMs
            ).run(in: cloud.database, claim, clock: cloud.clock)
        }
        do {
            try await register()
        } catch let error as CloudError where error.code == .serviceUnavailable {
            // A server that answers reads is worth more than none; the worker registers once it can.
            logger.error("The host could not be registered; trying again.", metadata: ["error": "\(error)"])
        }
        try await ReserveIds(database: cloud.database, host: machines, logger: logger).run()
        return CellHost(machines: machines, warm: warm, claim: claim, owner: owner, register: register)
    }

    /// By which other hosts know this one; `nil` where nothing moves to it or from it.
    private static func moveCertificate(
        _ machines: any MachineHost, _ settings: ServeSettings, _ logger: Logger
    ) async -> String? {
        guard settings.underlay != nil, let machines = machines as? any MovingHost else { return nil }
        do {
            return try await machines.moveCertificate()
        } catch {
            logger.error(
                "Without a certificate no compute can be moved to this host or from it; see that openssl is installed.",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// What boots guests ahead, and ends those of earlier settings; `nil` where machines are pretended.
    func warmPool(_ cloud: Cloud, _ metrics: WorkerMetrics, _ logger: Logger) -> WarmPool? {
        guard let machines = machines as? any WarmingHost else { return nil }
        return WarmPool(
            goals: warm, host: machines, database: cloud.database, claim: claim, clock: cloud.clock,
            metrics: metrics,
            logger: logger)
    }

    /// What works on the machines, and on the cell's duty.
    func services(
        _ settings: ServeSettings, _ cloud: Cloud, _ wake: Wake, _ metrics: WorkerMetrics, _ logger: Logger
    ) -> (heartbeat: Heartbeat, worker: Worker, supervisor: Supervisor, accountant: Accountant) {
        let heartbeat = Heartbeat(
            database: cloud.database, claim: claim, clock: cloud.clock, logger: logger)
        let worker = Worker(
            database: cloud.database, host: machines, claim: claim, catalogue: cloud.catalogue,
            clock: cloud.clock, wake: wake,
            bootSlots: settings.bootSlots == 0
                ? ProcessInfo.processInfo.activeProcessorCount : settings.bootSlots,
            stopGrace: .seconds(settings.stopGrace), sshPorts: settings.cloud.sshPorts,
            isBilled: cloud.settings.billing.isOn, owner: owner,
            register: register, metrics: metrics,
            logger: logger)
        let duty = CellDuty(database: cloud.database, claim: claim, clock: cloud.clock)
        let supervisor = Supervisor(
            database: cloud.database, host: machines, claim: claim, duty: duty, network: worker.network,
            clock: cloud.clock, wake: wake, orphanGrace: .seconds(settings.orphanGrace), metrics: metrics,
            logger: logger)
        let accountant = Accountant(
            duty: duty, database: cloud.database, catalogue: cloud.catalogue,
            settings: settings.billingSettings,
            clock: cloud.clock, wake: wake, logger: logger)
        return (heartbeat, worker, supervisor, accountant)
    }
}
