import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

/// Several machines as one cloud, with the real program, a real PostgreSQL and real guests. Root is needed for the hosts'
/// namespaces.
@Suite(
    "A fleet", .serialized, .enabled(if: RealCloud.isRoot, "namespaces need root"), .timeLimit(.minutes(10)))
struct FleetTests {
    @Test("serves through every server, spans a team's network over hosts, and loses nothing whatever dies")
    func deaths() async throws {
        try await Fleet.with(hosts: 3, servers: 2) { fleet in
            let computes = try await fleet.createOneEach()
            let places = try await fleet.places()
            #expect(Set(places.values) == [1, 2, 3], "computes are spread: \(places)")
            try await fleet.expectAllReachEachOther(computes, places)

            let load = FleetLoad(fleet)
            async let work: Void = load.run()
            try await fleet.servers[0].kill()
            try await fleet.whileLoadGoesOn(load, for: 3)
            try await fleet.servers[0].start()
            try await fleet.hosts[1].killWorker()
            try await fleet.whileLoadGoesOn(load, for: 3)
            try await fleet.hosts[1].start()
            // A program that finds no database when it starts ends, and is for the service manager to start again.
            try await fleet.hasTakenOver(fleet.hosts[1])
            fleet.postgres.kill()
            try await fleet.refusesWhileTheDatabaseIsAway()
            try await fleet.postgres.start()
            try await fleet.whileLoadGoesOn(load, for: 3)
            await load.end()
            try await work

            #expect(try await load.contradictions() == [])
            try await load.deleteAll()
            try await fleet.quiet()
            #expect(try await fleet.findings() == [])
            // Guests went on through all of it.
            try await fleet.expectAllReachEachOther(computes, places)
            #expect(try fleet.hosts.map { try $0.guests().count }.reduce(0, +) == computes.count)

            for compute in computes {
                try await fleet.servers[1].client { _ = try await $0.deleteCompute(id: compute.id) }
            }
            try await fleet.quiet()
            #expect(try await fleet.findings() == [])
            #expect(try fleet.hosts.allSatisfy { try $0.guests().isEmpty })
        }
    }
}

extension Fleet {
    /// A compute for each host, through the servers in turn, and returns them when they run.
    func createOneEach() async throws -> [ComputeWire] {
        var ids: [String] = []
        for number in hosts.indices {
            let request = try request("web-\(number)")
            ids.append(
                try await servers[number % servers.count].client {
                    try await $0.createCompute(request, idempotencyKey: UUID()).data.id
                })
        }
        var computes: [ComputeWire] = []
        for (number, id) in ids.enumerated() {
            // Through another server than the one that made it.
            computes.append(try await running(id, through: servers[(number + 1) % servers.count]))
        }
        return computes
    }

    func running(_ id: String, through server: FleetServer) async throws -> ComputeWire {
        var last: ComputeWire?
        try await eventually("compute \(id) runs", within: .seconds(120)) {
            let compute = try await server.client { try await $0.compute(id: id) }.data
            last = compute
            if let failure = compute.failure { throw TestFailure("\(failure.code): \(failure.message)") }
            return compute.state == "RUNNING"
        }
        guard let last else { throw TestFailure("no compute") }
        return last
    }

    /// Each logs in to itself from its own host, and reaches every other by its private address.
    func expectAllReachEachOther(_ computes: [ComputeWire], _ places: [String: Int]) async throws {
        for compute in computes {
            guard let place = places[compute.id] else {
                throw TestFailure("compute \(compute.id) is nowhere")
            }
            for other in computes where other.id != compute.id {
                let ping = "ping -c 1 -w 10 \(other.privateIpv4 ?? "") > /dev/null && hostname"
                #expect(try await hosts[place - 1].ssh(compute, ping) == compute.hostName)
            }
        }
    }

    /// Returns when the load has been answered so many more creates.
    fileprivate func whileLoadGoesOn(_ load: FleetLoad, for creates: Int) async throws {
        let before = await load.acknowledged
        try await eventually("the load goes on", within: .seconds(90)) {
            await load.acknowledged >= before + creates
        }
    }

    fileprivate func refusesWhileTheDatabaseIsAway() async throws {
        var options = StrettchClient.Options()
        options.retry = .never
        for server in servers {
            let error = await #expect(throws: ClientError.self) {
                try await server.client(options: options) { try await $0.computes() }
            }
            #expect(error?.status == 503 && error?.code == "SERVICE_UNAVAILABLE")
        }
    }

    /// Returns when the host's second worker owns it, and has started.
    fileprivate func hasTakenOver(_ host: FleetHost) async throws {
        try await eventually("\(host.name) is taken over", within: .seconds(60)) {
            try ask("SELECT epoch FROM hosts WHERE name = '\(host.name)'") == "2"
        }
        let registered = try heartbeat(of: host)
        try await eventually("the worker of \(host.name) has a heartbeat", within: .seconds(60)) {
            try heartbeat(of: host) > registered
        }
    }

    func heartbeat(of host: FleetHost) throws -> Int64 {
        Int64(try ask("SELECT heartbeat_ms FROM hosts WHERE name = '\(host.name)'")) ?? 0
    }

    func ask(_ query: String) throws -> String { try postgres.administer(query, in: "fleet") }

    /// Returns when no job is left to do on any host, and no move is under way.
    func quiet() async throws {
        try await eventually("nothing is left to do", within: .seconds(120)) {
            let due = try postgres.administer(
                "SELECT (SELECT COUNT(*) FROM jobs WHERE due_at_ms IS NOT NULL) + (SELECT COUNT(*) FROM moves)",
                in: "fleet")
            return due.hasPrefix("0")
        }
    }
}
