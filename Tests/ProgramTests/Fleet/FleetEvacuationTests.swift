import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// The same with hosts that share their disks, as by NFS. Root is needed for the hosts' namespaces.
@Suite(
    "A fleet that shares its disks", .serialized, .enabled(if: RealCloud.isRoot, "namespaces need root"),
    .timeLimit(.minutes(5)))
struct FleetEvacuationTests {
    @Test(
        "starts the guests of a host that lost its power on another, and of one that was only cut off at no time twice"
    )
    func evacuation() async throws {
        try await Fleet.with(hosts: 2, servers: 1, sharesDisks: true) { fleet in
            let (first, second) = (fleet.hosts[0], fleet.hosts[1])
            _ = try await second.strettch("admin", "host", "cordon", "host-2")
            let request = try fleet.request("web", withPublicIp: true)
            let id = try await fleet.servers[0].client {
                try await $0.createCompute(request, idempotencyKey: UUID()).data.id
            }
            let made = try await fleet.running(id, through: fleet.servers[0])
            _ = try await first.ssh(made, "echo kept > /root/note && sync")
            _ = try await second.strettch("admin", "host", "uncordon", "host-2")

            try await first.cutPower(underlay: fleet.underlay)
            try fleet.letBeDown(first)
            let refused = await #expect(throws: (any Error).self) {
                try await second.strettch("admin", "host", "evacuate", "host-1")
            }
            #expect("\(String(describing: refused))".contains("say --fenced"))
            try await fleet.evacuate(first, from: second, expecting: id)
            let moved = try await fleet.running(id, through: fleet.servers[0])
            #expect(moved.privateIpv4 == made.privateIpv4 && moved.ipv4 == made.ipv4)
            #expect(try await second.ssh(moved, "cat /root/note && hostname") == "kept\nweb")

            try await first.switchOn(underlay: fleet.underlay)
            try await fleet.comesBack(first)
            #expect(try first.machines() == [] && first.guests() == [])
            #expect(try await fleet.findings() == [])

            // The worker dies, and the guest runs on: whoever says that it is off is wrong.
            _ = try await first.strettch("admin", "host", "uncordon", "host-1")
            try await second.killWorker()
            try fleet.letBeDown(second)
            try await fleet.evacuate(second, from: first, expecting: id)
            try await eventually("the disk is refused", within: .seconds(30)) {
                try Int(fleet.ask("SELECT attempts FROM jobs WHERE resource_id = \(id) AND step = 'boot'"))
                    ?? 0 > 0
            }
            #expect(try first.guests() == [] && second.guests().count == 1)
            #expect(try await second.ssh(moved, "cat /root/note") == "kept")
            try await fleet.comesBack(second)
            #expect(try second.machines() == [] && second.guests() == [])
            let again = try await fleet.running(id, through: fleet.servers[0])
            #expect(try await first.ssh(again, "cat /root/note") == "kept")
            try await fleet.quiet()
            #expect(try await fleet.findings() == [])

            try await fleet.servers[0].client { _ = try await $0.deleteCompute(id: id) }
            try await fleet.quiet()
            let disks = try FileManager.default.contentsOfDirectory(atPath: "\(fleet.shared)/machines")
            #expect(disks == [])
            #expect(try await fleet.findings() == [])
        }
    }
}

extension Fleet {
    /// Lets the time pass by which a silent host is DOWN.
    fileprivate func letBeDown(_ host: FleetHost) throws {
        _ = try ask("UPDATE hosts SET heartbeat_ms = heartbeat_ms - 60000 WHERE name = '\(host.name)'")
    }

    /// Evacuates a host by a command on another, to which the compute shall come.
    fileprivate func evacuate(_ host: FleetHost, from other: FleetHost, expecting id: String) async throws {
        let said = try await other.strettch(
            "admin", "host", "evacuate", host.name, "--fenced", "--json")
        let evacuation = try JSONDecoder().decode(SaidEvacuation.self, from: Data(said.utf8))
        #expect(evacuation.moved.map(\.id) == [id] && evacuation.moved.map(\.to) == [other.name])
        #expect(try await places()[id] == other.number)
    }

    private struct SaidEvacuation: Decodable {
        struct Moved: Decodable {
            var id: String
            var to: String
        }
        var moved: [Moved]
    }

    /// Starts the host's worker, and returns when it has looked at the host once.
    fileprivate func comesBack(_ host: FleetHost) async throws {
        try await host.start()
        try await eventually("\(host.name) is taken over", within: .seconds(60)) {
            try ask("SELECT owner IS NOT NULL FROM hosts WHERE name = '\(host.name)'") == "t"
        }
        let registered = try heartbeat(of: host)
        try await eventually(
            "\(host.name) has a heartbeat, and nothing that is another's", within: .seconds(60)
        ) {
            try heartbeat(of: host) > registered && host.machines().isEmpty
        }
    }
}
