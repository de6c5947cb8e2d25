import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudWorker
import Testing

@testable import CloudWorker

/// A cloud of two hosts, between which computes move.
struct MoveCloud: Sendable {
    /// One of the hosts, with its worker.
    struct Site: Sendable {
        var id: Int64
        var host: SimulatedHost
        var worker: Worker
        var supervisor: Supervisor
    }

    var cloud: TestCloud
    var source: Site
    var destination: Site

    private static let maxRounds = 200

    /// Runs `body` with compute 1 running on host 1.
    static func with(
        capacity: Capacity = Capacity(), _ body: @escaping @Sendable (MoveCloud) async throws -> Void
    ) async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
            _ = try await cloud.database.write { sql in
                try sql.execute("UPDATE hosts SET underlay = '198.51.100.101', move_certificate = 'one'")
            }
            let site = try await start(
                "host-2", SimulatedHost(), of: cloud, underlay: "198.51.100.102", capacity: capacity)
            let moving = MoveCloud(
                cloud: cloud,
                source: Site(id: 1, host: cloud.host, worker: cloud.worker, supervisor: cloud.supervisor),
                destination: site)
            for site in moving.sites { try await site.worker.start() }
            try await body(moving)
        }
    }

    /// Starts a program on a host.
    static func start(
        _ name: String, _ host: SimulatedHost, of cloud: TestCloud, underlay: String,
        capacity: Capacity = Capacity()
    ) async throws -> Site {
        let started = try await NeighbourHost(
            name, host, underlay: underlay, capacity: capacity, on: cloud.database, clock: cloud.clock)
        return Site(
            id: started.id, host: host, worker: started.worker, supervisor: started.supervisor)
    }

    var sites: [Site] { [source, destination] }

    func begin(to name: String? = nil) async throws -> Move {
        try await MoveCompute(id: 1, to: name).run(in: cloud.cloud)
    }

    func move() async throws -> Move? {
        try await cloud.database.read { sql in try sql.moves.get(computeId: 1) }
    }

    func step() async throws -> MoveStep? { try await move()?.step }

    /// Begins a move and lets it come to this step, one call of one host at a time.
    func begin(until step: MoveStep) async throws {
        _ = try await begin()
        try await go(until: step)
    }

    func go(until step: MoveStep) async throws {
        for _ in 0..<Self.maxRounds {
            if try await self.step() == step { return }
            if try await !callOnce() { cloud.clock.advance(milliseconds: 100) }
        }
        throw NeverTrue(what: "the move is at \(step), it is at \(String(describing: try await move()))")
    }

    /// Makes the next call of any host. False when there is none.
    private func callOnce() async throws -> Bool {
        for site in sites where try await site.worker.runNextJob() { return true }
        return false
    }

    /// Lets the workers of these hosts work and the clock go on until they have nothing to do.
    func settle(_ sites: [Site]? = nil) async throws {
        let sites = sites ?? self.sites
        for _ in 0..<Self.maxRounds {
            for site in sites {
                try await site.worker.runDueJobs()
                _ = try await cloud.database.write { [now = cloud.clock.nowMs, id = site.id] sql in
                    try sql.execute("UPDATE hosts SET heartbeat_ms = $2 WHERE id = $1", [id, now])
                }
            }
            let ids = sites.map(\.id)
            let due = try await cloud.database.read { sql in
                try ids.compactMap { try sql.jobs.nextDueMs(hostId: $0) }.min()
            }
            guard let due else { return }
            cloud.clock.advance(milliseconds: max(1, due - cloud.clock.nowMs))
        }
        throw NeverTrue(what: "the hosts come to rest")
    }

    /// The machine's guest runs on that host, and nothing of it is on any other; all rows fit that.
    func expect(on site: Site, others: [Site], state: String = "RUNNING") async throws {
        #expect(try await move() == nil)
        #expect(try await cloud.state("1") == state)
        let hostId = try await cloud.database.read { sql in try sql.computes.get(1)?.hostId }
        #expect(hostId == site.id)
        #expect(await site.host.running == (state == "RUNNING" ? [1] : []))
        #expect(await site.host.disks == [1])
        for other in others { #expect(await other.host.inventory().isEmpty) }
        for site in sites { try await site.supervisor.look() }
        try await settle()
        #expect(await site.host.plan.attachments.map(\.computeId) == [1])
        for other in others { #expect(await other.host.plan.attachments.isEmpty) }
        try await expectSound()
    }

    /// The audit of both hosts finds nothing.
    func expectSound() async throws {
        let settings = CloudSettings.test
        let audit = Audit(
            database: cloud.database, hosts: [source.id: source.host, destination.id: destination.host],
            catalogue: .test,
            settings: AuditSettings(privateRange: settings.privateRange, publicPool: settings.publicPool),
            clock: cloud.clock)
        #expect(try await audit.run() == [])
    }

    func kinds() async throws -> [String] {
        try await cloud.database.read { sql in
            try sql.events.list(resourceId: 1, limit: 50).map(\.kind).filter { $0.contains("move") }
        }
    }
}
