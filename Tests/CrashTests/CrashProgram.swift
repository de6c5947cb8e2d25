import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudWorker
import Logging

@testable import CloudWorker

/// One life of the program: verbs, worker, supervisor and accountant over one database and host.
struct CrashProgram: Sendable {
    let life: Life
    /// The name of its host ends with it.
    let number: Int
    let cloud: Cloud
    private let store: String?
    let claim = HostClaim()
    let heartbeat: Heartbeat
    let duty: CellDuty
    let reserveIds: ReserveIds
    let worker: Worker
    let supervisor: Supervisor
    let accountant: Accountant
    let spaceWatch: SpaceWatch
    /// As it sees it.
    let host: any MachineHost

    /// Guests without an operating system do not heed the button, so the grace is short.
    private static let stopGrace = Duration.seconds(1)

    init(
        number: Int = 1, database: any Database, host: any MachineHost, isSimulated: Bool,
        settings: CloudSettings, store: String?, clock: ManualClock, saboteur: Saboteur
    ) {
        let life = saboteur.begin()
        self.life = life
        self.number = number
        self.store = store
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func makeWorker(
            _ database: any Database, _ host: any MachineHost, _ claim: HostClaim, _ owner: String
        ) -> Worker {
            Worker(
                database: database, host: host, claim: claim, catalogue: .test, clock: clock, wake: Wake(),
                bootSlots: 2,
                stopGrace: Self.stopGrace, owner: owner, logger: logger, jitter: { 0 })
        }
        func sabotaged(_ life: Life, isReal: Bool) -> SabotagedHost {
            SabotagedHost(
                host: host, saboteur: saboteur, life: life, callsArePoints: isReal && isSimulated,
                runningAnswers: !isSimulated)
        }
        // A second worker, which takes the host over while a transaction of the first one hangs.
        let others = HostClaim()
        let other = makeWorker(database, sabotaged(Life(), isReal: false), others, "other")
        let sabotagedDatabase = SabotagedDatabase(
            database: database, saboteur: saboteur, life: life,
            meanwhile: {
                clock.advance(milliseconds: Worker.leaseMs + 1)
                try await Self.register(number, "other", database, others, store, clock)
                try await other.start()
                try await other.runDueJobs()
            })
        let mine = sabotaged(life, isReal: true)
        self.host = mine
        cloud = Cloud(
            database: sabotagedDatabase, catalogue: .test, settings: settings, clock: clock,
            randomBytes: { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } }, wake: {})
        reserveIds = ReserveIds(database: sabotagedDatabase, host: mine, logger: logger)
        worker = makeWorker(sabotagedDatabase, mine, claim, "worker")
        heartbeat = Heartbeat(database: sabotagedDatabase, claim: claim, clock: clock, logger: logger)
        duty = CellDuty(database: sabotagedDatabase, claim: claim, clock: clock)
        supervisor = Supervisor(
            database: sabotagedDatabase, host: mine, claim: claim, duty: duty, network: worker.network,
            clock: clock, wake: Wake(),
            logger: logger)
        accountant = Accountant(
            duty: duty, database: sabotagedDatabase, catalogue: .test, settings: settings.billing,
            clock: clock,
            wake: Wake(), logger: logger)
        spaceWatch = SpaceWatch(host: mine, clock: clock, logger: logger)
    }

    /// What the program does before anything else.
    func register() async throws {
        try await Self.register(number, "worker", cloud.database, claim, store, cloud.clock)
    }

    private static func register(
        _ number: Int, _ owner: String, _ database: any Database, _ claim: HostClaim, _ store: String?,
        _ clock: any CloudClock
    ) async throws {
        let facts = HostFacts(
            identity: "host-\(number)", name: "host-\(number)", underlay: "198.51.100.\(100 + number)",
            store: store, moveCertificate: "host-\(number)")
        try await RegisterHost(facts: facts, owner: owner).run(in: database, claim, clock: clock)
    }
}
