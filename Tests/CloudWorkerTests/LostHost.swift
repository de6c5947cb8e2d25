import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

@testable import CloudWorker

/// Three hosts, of which the first two share their disks. Computes come to the first until it is lost.
struct LostHost: Sendable {
    let cloud: TestCloud
    let a: NeighbourHost
    let b: NeighbourHost
    /// Its disks are its own.
    let c: NeighbourHost

    static func with(
        roomOnB: Int? = nil, _ body: @escaping @Sendable (LostHost) async throws -> Void
    ) async throws {
        try await TestCloud.with { cloud in
            let disks = SimulatedDisks()
            func host(_ name: String, _ host: SimulatedHost, _ store: String?, _ vcpus: Int? = nil)
                async throws
                -> NeighbourHost
            {
                try await NeighbourHost(
                    name, host, store: store, capacity: Capacity(vcpus: vcpus), on: cloud.database,
                    clock: cloud.clock)
            }
            let cell = LostHost(
                cloud: cloud, a: try await host("a", SimulatedHost(disks: disks), "s"),
                b: try await host("b", SimulatedHost(disks: disks), "s", roomOnB),
                c: try await host("c", SimulatedHost(), nil))
            try await cloud.database.write { sql in try sql.hosts.remove(1) }
            try await cell.use(cell.a)
            try await body(cell)
        }
    }

    /// Lets new computes come to this host alone.
    func use(_ host: NeighbourHost) async throws {
        try await cloud.database.write { sql in
            for id in [a.id, b.id, c.id] { try sql.hosts.set(id, state: id == host.id ? .active : .cordoned) }
        }
    }

    /// Lets this host be silent for so long that it is DOWN; the others take new computes.
    func lose(_ host: NeighbourHost) async throws {
        cloud.clock.advance(milliseconds: HostHeartbeat.downAfterMs + 1)
        for other in [a, b, c] where other.id != host.id {
            try await other.beat()
            try await cloud.database.write { sql in try sql.hosts.set(other.id, state: .active) }
        }
        try await cloud.database.write { sql in try sql.hosts.set(host.id, state: .active) }
    }

    /// A program that starts on the first host, whose guests run still.
    func comeBack(store: String? = "s") async throws -> NeighbourHost {
        try await NeighbourHost("a", a.host, store: store, on: cloud.database, clock: cloud.clock)
    }

    func evacuate(_ name: String) async throws -> EvacuateHost.Report {
        try await EvacuateHost(name: name, isFenced: true).run(in: cloud.cloud)
    }

    /// Lets the host's worker save so much of what is due before it dies.
    func work(on host: NeighbourHost, outcomes: Int) async throws {
        // The first is the lease.
        cloud.database.set(
            writeFault: CloudError(.serviceUnavailable, "planted"), afterWrites: 1 + outcomes)
        do { try await host.worker.runDueJobs() } catch let error as CloudError {
            #expect(error.message == "planted")
        }
        cloud.database.set()
    }

    func hosts() async throws -> [HostRecord] {
        try await cloud.database.read { sql in try sql.hosts.list() }
    }

    func computes() async throws -> [Compute] {
        try await cloud.database.read { sql in
            try sql.query("SELECT id FROM computes ORDER BY id").compactMap {
                try sql.computes.get(try $0.int("id"))
            }
        }
    }

    /// The name of the compute's host.
    func owner(of id: Int64) async -> String? {
        // nil: it can't be asked.
        try? await cloud.database.read { sql in
            try sql.computes.get(id)?.hostId.flatMap { try sql.hosts.get($0)?.name }
        }
    }

    func kinds(of id: Int64) async throws -> [String] {
        try await cloud.database.read { sql in
            try sql.query("SELECT kind FROM events WHERE resource_id = $1 ORDER BY id", [id]).map {
                try $0.text("kind")
            }
        }
    }

    /// What happened to the cell itself.
    func cellEvents() async throws -> [String] {
        try await cloud.database.read { sql in
            try sql.query("SELECT kind FROM events WHERE team_id IS NULL ORDER BY id").map {
                try $0.text("kind")
            }
        }
    }
}
