import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudWorker
import Logging

@testable import CloudWorker

/// One cell whose program may be killed at any point and is then started again, on the same database and host.
final class CrashWorld {
    let host: any MachineHost
    let clock: ManualClock
    let saboteur: Saboteur
    let settings: CloudSettings
    private let database: any Database
    /// Whether the calls of the host are points, as they are of a simulated one.
    private let isSimulated: Bool
    private(set) var program: CrashProgram
    /// The owner's key, once there is a team.
    var secret = ""
    /// The host when it is a real one.
    var real: RealCrashHost?

    /// Rounds of the clock until the world must have come to rest.
    private static let maxRounds = 300
    /// Times that somebody asks again. A script has one fault.
    private static let maxAttempts = 5

    init(
        database: any Database, host: any MachineHost, isSimulated: Bool, script: CrashScript,
        fault: (visit: Visit, kind: FaultKind)?
    ) async throws {
        clock = ManualClock()
        saboteur = Saboteur(fault, usual: script.fault, clock: clock)
        self.database = database
        self.host = host
        settings = script.settings
        self.isSimulated = isSimulated
        program = CrashProgram(
            database: database, host: host, isSimulated: isSimulated, settings: settings, clock: clock,
            saboteur: saboteur)
        try await program.register()
    }

    /// Does `body` as somebody does who asks again until he has an answer; a program that was killed is started again.
    func insist<T>(_ what: String, _ body: (CrashProgram) async throws -> T) async throws -> T {
        try await again(what) {
            try await restartIfOver()
            return try await body(program)
        }
    }

    /// Does `body` as a command does that works on a database alone, again until it succeeds.
    func insistAlone<T>(
        _ what: String, on database: any Database, _ body: (any Database) async throws -> T
    ) async throws -> T {
        try await again(what) {
            try await body(
                SabotagedDatabase(
                    database: database, saboteur: saboteur, life: saboteur.begin(), meanwhile: {}))
        }
    }

    private func again<T>(_ what: String, _ attempt: () async throws -> T) async throws -> T {
        for _ in 0..<Self.maxAttempts {
            do {
                return try await attempt()
            } catch is Crash {
                continue
            } catch let error as CloudError where error.code == .serviceUnavailable || isLost {
                continue
            }
        }
        throw NeverTrue(what: "'\(what)' is answered")
    }

    /// Lets the worker work and the clock go on until nothing is due, the host has been looked at, and still nothing is.
    func settle() async throws {
        var isLookedAt = false
        for _ in 0..<Self.maxRounds {
            try await restartIfOver()
            do {
                try await program.worker.runDueJobs()
                guard !program.life.isOver else { continue }
                if let due = try await nextDueMs() {
                    clock.advance(milliseconds: max(1, due - clock.nowMs))
                    continue
                }
                if isLookedAt { return }
                try await program.heartbeat.beat()
                try await program.supervisor.look()
                isLookedAt = true
            } catch is Crash {
                continue
            } catch let error as CloudError where error.code == .serviceUnavailable || isLost {
                continue
            }
        }
        throw NeverTrue(what: "nothing is due any more: \(try await lines())")
    }

    /// Whether another worker has taken the program's host over.
    private var isLost: Bool { program.claim.loss != nil }

    private func restartIfOver() async throws {
        if isLost { program.life.end() }  // as the services do
        for _ in 0..<Self.maxAttempts where program.life.isOver {
            program = CrashProgram(
                database: database, host: host, isSimulated: isSimulated, settings: settings, clock: clock,
                saboteur: saboteur)
            do {
                try await program.register()
                try await program.reserveIds.run()
                try await program.worker.start()
            } catch {
                // As the service manager sees it: the program has ended, and is started again.
                program.life.end()
            }
        }
    }

    /// When the next job can be worked on, whoever holds it now.
    private func nextDueMs() async throws -> Int64? {
        try await database.read { sql in
            try sql.query(
                """
                SELECT MIN(CASE WHEN lease_until_ms > due_at_ms THEN lease_until_ms ELSE due_at_ms END) AS due
                FROM jobs WHERE due_at_ms IS NOT NULL
                """)[0].intOrNil("due")
        }
    }

    /// What an audit finds wrong, a line each.
    func findings() async throws -> [String] {
        let settings = AuditSettings(
            privateRange: settings.privateRange, publicPool: settings.publicPool,
            isBilled: settings.billing.isOn)
        let audit = Audit(
            database: database, hosts: [1: host], catalogue: .test, settings: settings, clock: clock)
        return try await audit.run().map { "audit: \($0.invariant.rawValue): \($0.what)" }
    }

    /// What the database says, a line a row, without what depends on the time that passed.
    func lines() async throws -> [String] {
        try await database.read { sql in
            var lines: [String] = []
            for query in Self.queries {
                for row in try sql.query(query) {
                    let values = zip(row.columns, row.values).map { "\($0)=\(Self.text($1))" }
                    lines.append(values.joined(separator: " "))
                }
            }
            return lines
        }
    }

    private static let queries = [
        """
        SELECT c.id AS compute, c.host_name, c.state, c.intent, c.specification, c.failure_code, c.private_ipv4,
            c.public_ipv4, j.action, j.step, j.lease_owner, j.due_at_ms AS due
        FROM computes c JOIN jobs j ON j.compute_id = c.id ORDER BY c.id
        """,
        // What happens to a team and to its computes may come in any order. A repair is told of once it is made, so a
        // crash in between leaves it untold.
        """
        SELECT compute_id, team_id, kind, actor FROM events WHERE kind <> 'compute.seed.repaired'
        ORDER BY COALESCE(compute_id, 0), id
        """,
        "SELECT team_id, endpoint, idempotency_key, compute_id FROM idempotency_keys ORDER BY idempotency_key",
        "SELECT id AS team, name, network_base, deleted_at_ms IS NULL AS live FROM teams ORDER BY id",
        """
        SELECT id AS api_key, team_id, name, role, revoked_at_ms IS NULL AS live, last_used_at_ms IS NULL AS unused
        FROM api_keys ORDER BY id
        """,
        """
        SELECT team_id, number, kind, compute_id, reference, amount_milli_rwf FROM ledger ORDER BY team_id, number
        """,
        "SELECT team_id AS wallet, balance_milli_rwf, standing, is_suspended_by_operator FROM wallets ORDER BY team_id",
        "SELECT compute_id AS metered, began_at_ms IS NULL AS free, ended_at_ms IS NULL AS runs FROM meters ORDER BY 1",
        "SELECT COUNT(*) AS cells FROM cell",
        "SELECT id AS host, name, state, taken_vcpus, taken_memory_mb, taken_storage_gb FROM hosts ORDER BY id",
        "SELECT host_id, image FROM host_images ORDER BY host_id, image",
        "SELECT name AS duty, owner FROM duties",
        "SELECT COUNT(*) AS expired FROM idempotency_keys WHERE expires_at_ms IS NOT NULL",
    ]

    private static func text(_ value: SQLValue) -> String {
        switch value {
        case .null: "-"
        case .int(let int): "\(int)"
        case .text(let text): text
        }
    }
}

/// One life of the program: verbs, worker, supervisor and accountant over one database and host.
struct CrashProgram: Sendable {
    let life: Life
    let cloud: Cloud
    let claim = HostClaim()
    let heartbeat: Heartbeat
    let duty: CellDuty
    let reserveIds: ReserveIds
    let worker: Worker
    let supervisor: Supervisor
    let accountant: Accountant

    /// Guests without an operating system do not heed the button, so the grace is short.
    private static let stopGrace = Duration.seconds(1)

    init(
        database: any Database, host: any MachineHost, isSimulated: Bool, settings: CloudSettings,
        clock: ManualClock, saboteur: Saboteur
    ) {
        let life = saboteur.begin()
        self.life = life
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
                try await Self.register("other", database, others, clock)
                try await other.start()
                try await other.runDueJobs()
            })
        let mine = sabotaged(life, isReal: true)
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
    }

    /// What the program does before anything else.
    func register() async throws { try await Self.register("worker", cloud.database, claim, cloud.clock) }

    private static func register(
        _ owner: String, _ database: any Database, _ claim: HostClaim, _ clock: any CloudClock
    ) async throws {
        try await RegisterHost(facts: HostFacts(identity: "host-1", name: "host-1"), owner: owner).run(
            in: database, claim, clock: clock)
    }
}
