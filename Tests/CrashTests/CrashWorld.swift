import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudWorker
import Logging

@testable import CloudWorker

/// One cell whose program may be killed at any point and is then started again, on the same database and host. A script may
/// add a second host, with a program of its own.
final class CrashWorld {
    let host: any MachineHost
    let clock: ManualClock
    let saboteur: Saboteur
    let settings: CloudSettings
    private let database: any Database
    /// Whether the calls of the host are points, as they are of a simulated one.
    private let isSimulated: Bool
    private(set) var programs: [CrashProgram]
    /// Of a script with two hosts.
    private(set) var second: SimulatedHost?
    /// The owner's key, once there is a team.
    var secret = ""
    /// The host when it is a real one.
    var real: RealCrashHost?
    /// Another host, which has the same disks. Nothing goes wrong there.
    private(set) var neighbour: NeighbourHost?
    private let store: String?

    /// Rounds of the clock until the world must have come to rest.
    private static let maxRounds = 300
    /// Times that somebody asks again. A script has one fault.
    private static let maxAttempts = 5

    init(
        database: any Database, host: any MachineHost, isSimulated: Bool, script: CrashScript,
        fault: CrashFault?
    ) async throws {
        clock = ManualClock()
        saboteur = Saboteur(fault, usual: script.fault, clock: clock)
        self.database = database
        self.host = host
        settings = script.settings
        store = script.store
        self.isSimulated = isSimulated
        programs = [
            CrashProgram(
                database: database, host: host, isSimulated: isSimulated, settings: settings, store: store,
                clock: clock, saboteur: saboteur)
        ]
        try await program.register()
    }

    /// The first host's.
    var program: CrashProgram { programs[0] }

    /// Lets a second host join.
    func addHost(_ host: SimulatedHost) async throws {
        second = host
        let joined = make(1)
        programs.append(joined)
        try await joined.register()
        try await joined.worker.start()
    }

    private func make(_ index: Int) -> CrashProgram {
        CrashProgram(
            number: index + 1, database: database, host: index == 0 ? host : second ?? host,
            isSimulated: isSimulated, settings: settings, store: store, clock: clock, saboteur: saboteur)
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

    /// Lets the workers work and the clock go on until nothing is due, the hosts have been looked at, and still nothing is.
    /// - Parameter indices: of the programs that are there; `nil`: all.
    func settle(_ indices: [Int]? = nil) async throws {
        let indices = indices ?? Array(programs.indices)
        var isLookedAt = false
        for _ in 0..<Self.maxRounds {
            do {
                try await restartIfOver()
                for index in indices { try await programs[index].worker.runDueJobs() }
                guard !indices.contains(where: { programs[$0].life.isOver }) else { continue }
                if let due = try await nextDueMs(indices) {
                    clock.advance(milliseconds: max(1, due - clock.nowMs))
                    continue
                }
                if isLookedAt { return }
                isLookedAt = try await look(indices)
            } catch is Crash {
                continue
            } catch let error as CloudError where error.code == .serviceUnavailable || isLost {
                continue
            }
        }
        throw NeverTrue(what: "nothing is due any more: \(try await lines())")
    }

    /// Lets the supervisors look. False when one could not, which looks again then.
    private func look(_ indices: [Int]) async throws -> Bool {
        for index in indices {
            try await programs[index].heartbeat.beat()
            do {
                try await programs[index].supervisor.look()
            } catch let error as CloudError where error.code == .internalServerError {
                return false
            }
        }
        return true
    }

    /// Lets both hosts make their calls until the move of compute 1 is at that step, or past it.
    func go(until step: MoveStep) async throws {
        for _ in 0..<Self.maxRounds {
            guard let now = try await database.read({ sql in try sql.moves.get(computeId: 1)?.step }),
                now != step
            else {
                return
            }
            do {
                try await restartIfOver()
                var hasWorked = false
                for program in programs where !hasWorked {
                    hasWorked = try await program.worker.runNextJob()
                }
                if !hasWorked { clock.advance(milliseconds: 100) }
            } catch is Crash {
                continue
            } catch let error as CloudError where error.code == .serviceUnavailable || isLost {
                continue
            }
        }
        throw NeverTrue(what: "the move comes to \(step)")
    }

    /// Whether another worker has taken a program's host over.
    private var isLost: Bool { programs.contains { $0.claim.loss != nil } }

    private func restartIfOver() async throws {
        for index in programs.indices {
            if programs[index].claim.loss != nil { programs[index].life.end() }  // as the services do
            for _ in 0..<Self.maxAttempts where programs[index].life.isOver {
                programs[index] = make(index)
                let program = programs[index]
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
    }

    /// When the next job or move of these programs can be worked on, whoever holds it now.
    private func nextDueMs(_ indices: [Int]) async throws -> Int64? {
        let ids = indices.map { Int64($0 + 1) }
        return try await database.read { sql in
            try ids.compactMap { id in
                try sql.query(
                    """
                    SELECT MIN(CASE WHEN lease_until_ms > due_at_ms THEN lease_until_ms ELSE due_at_ms END) AS due
                    FROM jobs WHERE due_at_ms IS NOT NULL AND host_id = $1 AND waits_for IS NULL
                    """, [id])[0].intOrNil("due")
            }.min()
        }
    }

    /// Lets another host that has the same disks join.
    func joinNeighbour() async throws {
        guard let disks = simulated?.sharedDisks else { throw NeverTrue(what: "the host shares its disks") }
        neighbour = try await NeighbourHost(
            "host-2", SimulatedHost(disks: disks), store: store, on: database, clock: clock)
    }

    /// Evacuates the host, whose program is gone, until all of its computes are the neighbour's.
    func evacuate() async throws {
        let (neighbour, clock, settings) = (neighbour, clock, settings)
        try await insistAlone("the evacuation", on: database) { database in
            try await neighbour?.beat()
            let cloud = Cloud(
                database: database, catalogue: .test, settings: settings, clock: clock,
                randomBytes: { count in (0..<count).map { UInt8($0) } }, wake: {})
            let report = try await EvacuateHost(name: "host-1", isFenced: true).run(in: cloud)
            guard report.left.isEmpty else { throw NeverTrue(what: "there is room elsewhere") }
        }
    }

    /// What an audit finds wrong, a line each.
    func findings() async throws -> [String] {
        let settings = AuditSettings(
            privateRange: settings.privateRange, publicPool: settings.publicPool,
            isBilled: settings.billing.isOn)
        var hosts: [Int64: any MachineHost] = [1: host]
        if let neighbour { hosts[neighbour.id] = neighbour.host }
        if let second { hosts[2] = second }
        let audit = Audit(
            database: database, hosts: hosts, catalogue: .test, settings: settings, clock: clock)
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
        SELECT c.id AS compute, c.host_id, c.host_name, c.state, c.intent, c.specification, c.failure_code, c.private_ipv4,
            c.public_ipv4, j.action, j.step, j.lease_owner, j.due_at_ms AS due
        FROM computes c JOIN jobs j ON j.resource_id = c.id ORDER BY c.id
        """,
        """
        SELECT s.id AS snapshot, s.host_id, s.name, s.state, s.bytes, s.consistency, s.failure_code, j.action, j.step,
            j.lease_owner, j.due_at_ms AS due FROM snapshots s JOIN jobs j ON j.resource_id = s.id ORDER BY s.id
        """,
        "SELECT id AS copy, snapshot_id FROM computes WHERE snapshot_id IS NOT NULL ORDER BY id",
        "SELECT resource_id AS waits, waits_for FROM jobs WHERE waits_for IS NOT NULL ORDER BY resource_id",
        // What happens to a team and to its computes may come in any order. A repair is told of once it is made, so a
        // crash in between leaves it untold.
        """
        SELECT resource_id, team_id, kind, actor FROM events WHERE kind <> 'compute.seed.repaired'
        ORDER BY COALESCE(resource_id, 0), id
        """,
        "SELECT team_id, endpoint, idempotency_key, resource_id FROM idempotency_keys ORDER BY idempotency_key",
        "SELECT id AS team, name, network_base, deleted_at_ms IS NULL AS live FROM teams ORDER BY id",
        """
        SELECT id AS api_key, team_id, name, role, revoked_at_ms IS NULL AS live, last_used_at_ms IS NULL AS unused
        FROM api_keys ORDER BY id
        """,
        """
        SELECT team_id, number, kind, resource_id, reference, amount_milli_rwf FROM ledger ORDER BY team_id, number
        """,
        "SELECT team_id AS wallet, balance_milli_rwf, standing, is_suspended_by_operator FROM wallets ORDER BY team_id",
        "SELECT resource_id AS metered, began_at_ms IS NULL AS free, ended_at_ms IS NULL AS runs FROM meters ORDER BY 1",
        "SELECT COUNT(*) AS cells FROM cell",
        "SELECT id AS host, name, state, taken_vcpus, taken_memory_mb, taken_storage_gb FROM hosts ORDER BY id",
        "SELECT host_id, image FROM host_images ORDER BY host_id, image",
        "SELECT m.compute_id AS moving, j.action, j.step FROM moves m JOIN jobs j ON j.resource_id = m.id ORDER BY m.compute_id",
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
