import CloudClient
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudWire
import Foundation

/// Many machines in one: a PostgreSQL, API servers, and hosts with an underlay between them, each of which has processes,
/// a network and a data folder of its own. All of it is gone afterwards, however the test ends. Needs root.
struct Fleet: Sendable {
    let folder: String
    let postgres: TestPostgres
    /// How programs reach the database.
    let connection: String
    let servers: [FleetServer]
    let hosts: [FleetHost]
    /// The namespace of the switch between the hosts.
    let underlay: String

    var privateKey: String { "\(folder)/key" }
    /// The folder that all hosts have, where they share their disks.
    var shared: String { "\(folder)/shared" }

    /// Starts PostgreSQL, `servers` API servers and a worker on each of `hosts` hosts.
    /// - Parameter sharesDisks: whether the disks lie in one folder that all hosts have, `shared`.
    static func with(
        hosts: Int, servers: Int, sharesDisks: Bool = false, _ body: (Fleet) async throws -> Void
    ) async throws {
        // Short, since unix sockets lie in it, and interfaces are named by it.
        let name = "sf\(UInt32.random(in: 0...0xFFFFF))"
        let folder = "/tmp/\(name)"
        try await TestPostgres.withServer { postgres in
            let connection = try postgres.makeDatabase("fleet")
            let fleet = Fleet(
                folder: folder, postgres: postgres, connection: connection,
                servers: (1...servers).map {
                    FleetServer(number: $0, folder: folder, connection: connection)
                },
                hosts: (1...hosts).map {
                    FleetHost(
                        number: $0, fleet: name, folder: folder, connection: connection,
                        disks: sharesDisks ? "\(folder)/shared" : nil)
                }, underlay: "\(name)u")
            do {
                try await fleet.setUp()
                try await body(fleet)
            } catch {
                await fleet.tearDown()
                throw error
            }
            await fleet.tearDown()
        }
    }

    private func setUp() async throws {
        try FileManager.default.createDirectory(atPath: shared, withIntermediateDirectories: true)
        try await GuestLogin(privateKey: privateKey).make()
        try await Command("ip", ["netns", "add", underlay]).run()
        try await Command("ip", ["-n", underlay, "link", "add", "switch", "type", "bridge"]).run()
        try await Command("ip", ["-n", underlay, "link", "set", "switch", "up"]).run()
        for server in servers { try await server.start() }
        for server in servers { try await server.answers() }
        for host in hosts {
            try await host.setUp(underlay: underlay)
            try await host.start()
        }
        try await eventually("every host has joined", within: .seconds(60)) {
            try postgres.administer("SELECT COUNT(*) FROM hosts", in: "fleet").hasPrefix("\(hosts.count)")
        }
    }

    private func tearDown() async {
        // Each try? here: what could not be taken away must not hide why the test failed.
        for pid in (try? NamedProcesses.all(naming: [folder])) ?? [] { kill(pid, SIGKILL) }  // see above
        for host in hosts { await host.tearDown() }
        _ = try? await Command("ip", ["netns", "del", underlay]).run()  // see above
        try? FileManager.default.removeItem(atPath: folder)  // see above
    }

    // MARK: Looking behind the API

    /// Which host each compute that is not gone is on, by the hosts' numbers.
    func places() async throws -> [String: Int] {
        let text = try postgres.administer(
            """
            SELECT string_agg(c.id || ' ' || h.name, chr(10)) FROM computes c JOIN hosts h ON h.id = c.host_id
            WHERE c.state <> 'DESTROYED'
            """, in: "fleet")
        return Dictionary(
            uniqueKeysWithValues: text.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard let id = words.first, let host = words.last?.split(separator: "-").last else {
                    return nil
                }
                return Int(host).map { (String(id), $0) }
            })
    }

    /// What the audits of all hosts find, a line each.
    func findings() async throws -> [String] {
        var findings: [String] = []
        for host in hosts {
            let output = try await host.strettch("admin", "audit", "--json")
            let audit = try JSONDecoder().decode(SaidAudit.self, from: Data(output.utf8))
            findings += audit.findings.map { "\(host.name): \($0.invariant): \($0.what)" }
        }
        return findings
    }

    private struct SaidAudit: Decodable {
        struct Finding: Decodable {
            var invariant: String
            var what: String
        }
        var findings: [Finding]
    }

    /// The create of the documentation's page, with our key.
    func request(_ hostName: String, withPublicIp: Bool = false) throws -> CreateComputeWire {
        try GuestLogin(privateKey: privateKey).request(hostName, withPublicIp: withPublicIp)
    }
}
