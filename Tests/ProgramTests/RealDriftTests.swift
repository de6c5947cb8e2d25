import CloudClient
import CloudCore
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// What somebody does by hand on a host with a guest that really boots: each is noticed within 10 s. Root is needed for
/// bridges.
@Suite("Drift on a real host", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealDriftTests {
    @Test(
        "rules, addresses, bridges and seeds are put right; taps and disks are told of; a stray machine goes")
    func drift() async throws {
        try await RealCloud.with { cloud in
            let request = try cloud.request()
            let id = try await cloud.client {
                try await $0.createCompute(request, idempotencyKey: UUID())
            }.data.id
            let compute = try await cloud.wait(id, until: "RUNNING")
            let address = try #require(compute.ipv4)
            try await cloud.expectNoFindings()
            let good = try await cloud.host()

            for deed in [
                ["nft", "flush", "ruleset"],
                ["nft", "flush", "chain", "bridge", "strettch_st", "guest"],
                ["nft", "flush", "set", "bridge", "strettch_st", "guests"],
                ["ip", "address", "delete", "\(address)/32", "dev", "lo"],
                ["ip", "link", "delete", "st-br1"],
            ] {
                try await cloud.inside(deed[0], Array(deed.dropFirst())).run()
                #expect(try await cloud.host() != good, "\(deed)")
                try await eventually("\(deed) is put right", within: .seconds(10)) {
                    try await cloud.host() == good
                }
                #expect(try await cloud.ssh(compute, "hostname") == "my-server-01", "\(deed)")
            }
            try FileManager.default.removeItem(atPath: cloud.seed)
            try await eventually("the seed is made again", within: .seconds(10)) {
                FileManager.default.fileExists(atPath: cloud.seed)
            }
            try await cloud.expectNoFindings()

            try await cloud.inside("ip", ["link", "delete", "st-t1"]).run()
            try await cloud.reports("NETWORK_LOST", id)
            try await cloud.client { _ = try await $0.rebootCompute(id: id) }
            let rebooted = try await cloud.wait(id, until: "RUNNING")
            #expect(try await cloud.ssh(rebooted, "hostname") == "my-server-01")
            try await cloud.expectNoFindings()

            try FileManager.default.removeItem(atPath: cloud.disk)
            try await cloud.reports("DISK_LOST", id)
            #expect(try await cloud.client { try await $0.compute(id: id) }.data.state == "RUNNING")
            #expect(try await cloud.ssh(rebooted, "hostname") == "my-server-01", "the guest goes on")
            try await cloud.client { _ = try await $0.stopCompute(id: id) }
            try await eventually("it is STOPPED", within: .seconds(60)) {
                try await cloud.client { try await $0.compute(id: id) }.data.state == "STOPPED"
            }
            try await cloud.reports("DISK_LOST", id)
            try await cloud.client { _ = try await $0.startCompute(id: id) }
            try await eventually("the start has failed for good", within: .seconds(10)) {
                let compute = try await cloud.client { try await $0.compute(id: id) }.data
                return compute.state == "STOPPED" && compute.failure?.code == "DISK_LOST"
                    && compute.task == nil
            }

            let kinds = try await cloud.client { try await $0.computeEvents(id: id, limit: 100) }.data.map(
                \.kind)
            for kind in [
                "compute.network.repaired", "compute.seed.repaired", "compute.network.lost",
                "compute.disk.lost",
            ] {
                #expect(kinds.contains(kind), "\(kind)")
            }
        }
    }

    @Test(
        "a machine that no compute stands for is found, told of by the audit, and removed after the grace period"
    )
    func orphan() async throws {
        try await RealCloud.with { cloud in
            try FileManager.default.createDirectory(
                atPath: "\(cloud.data)/machines/99", withIntermediateDirectories: true)
            try await Command(
                "qemu-img", ["create", "-q", "-f", "qcow2", "\(cloud.data)/machines/99/disk.qcow2", "1G"]
            )
            .run()
            // What bears no number is no machine of ours.
            try FileManager.default.createDirectory(
                atPath: "\(cloud.data)/machines/theirs", withIntermediateDirectories: true)
            let said = try await cloud.audit()
            #expect(said.contains("no-orphans: machine 99 has a disk on this host"))
            #expect(said.contains("1 finding: 0 computes"))
            try await cloud.end(SIGTERM)
            try "orphanGrace: 1\n".write(
                toFile: "\(cloud.folder)/config.yaml", atomically: true, encoding: .utf8)
            try await cloud.start(more: ["--config", "\(cloud.folder)/config.yaml"])
            try await eventually("machine 99 is gone", within: .seconds(20)) {
                !FileManager.default.fileExists(atPath: "\(cloud.data)/machines/99")
            }
            #expect(FileManager.default.fileExists(atPath: "\(cloud.data)/machines/theirs"))
            try await cloud.expectNoFindings()
        }
    }
}

extension RealCloud {
    fileprivate var seed: String { "\(data)/machines/1/seed.iso" }
    fileprivate var disk: String { "\(data)/machines/1/disk.qcow2" }

    /// Interfaces, addresses and rules as they are now, sorted, since a bridge that is made anew is listed elsewhere.
    fileprivate func host() async throws -> String {
        var text = try await leftovers()
        text += try await inside("nft", ["list", "ruleset"]).run().standardOutput
        text += try await inside("bridge", ["link"]).run().standardOutput
        return text.split(separator: "\n").filter { !$0.contains("fe80") }.sorted().joined(separator: "\n")
    }

    /// What `strettch admin audit` prints, whatever it ends with.
    fileprivate func audit() async throws -> String {
        let audit = inside(program, ["admin", "audit", "--data", data])
        // Its status is 1 with findings, and what it printed is then in the error.
        do {
            return try await Command("env", environment + [audit.program] + audit.arguments).run()
                .standardOutput
        } catch let error as CloudError {
            return error.detail ?? error.message
        }
    }

    func expectNoFindings() async throws {
        try await eventually("the audit finds nothing", within: .seconds(30)) {
            try await audit().hasPrefix("0 findings: ")
        }
    }

    /// Waits until the compute's failure has this code.
    fileprivate func reports(_ code: String, _ id: String) async throws {
        try await eventually("\(code) is told of", within: .seconds(10)) {
            try await client { try await $0.compute(id: id) }.data.failure?.code == code
        }
    }
}
