import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

/// Computes that take guests which are booted ahead, with the real program. Root is needed for bridges.
@Suite("Real guests that are booted ahead", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealWarmTests {
    private static let goal = ["--warm", "TINY-1/S-1C=1"]

    private func ready(_ cloud: RealCloud) async throws -> pid_t {
        try await eventually("a guest is ready ahead", within: .seconds(60)) {
            try String(contentsOfFile: "\(cloud.folder)/serve.log", encoding: .utf8).contains(
                "A guest is ready ahead.")
        }
        let guests = try await cloud.guests()
        guard guests.count == 1 else { throw TestFailure("\(guests)") }
        return guests[0]
    }

    @Test("a create gets the guest, over a kill -9, and another takes its place; without a goal none is left")
    func life() async throws {
        try await RealCloud.with { cloud in
            let clean = try await cloud.leftovers()
            try await cloud.end(SIGTERM)
            try await cloud.start(more: Self.goal)
            let pid = try await ready(cloud)
            #expect(try await cloud.client { try await $0.computes() }.data.isEmpty, "nobody sees it")
            #expect(try await cloud.strettch("admin", "audit", "--data", cloud.data).contains("0 findings"))

            try await cloud.end(SIGKILL)
            try await cloud.start(more: Self.goal)
            let request = try cloud.request()
            let id = try await cloud.client {
                try await $0.createCompute(request, idempotencyKey: UUID())
            }.data.id
            let compute = try await cloud.wait(id, until: "RUNNING")
            #expect(try await cloud.guests().contains(pid))
            let words = "hostname; wget -qO- http://169.254.169.254/metadata/v1/hostname"
            #expect(try await cloud.ssh(compute, words) == "my-server-01\nmy-server-01")
            #expect(try await cloud.size(compute) == GuestSize(vcpus: 1, memoryMb: 512, disk: "10G"))
            try await eventually("another guest is booted ahead", within: .seconds(60)) {
                try await cloud.guests().count == 2
            }

            try await cloud.end(SIGKILL)
            try await cloud.start()
            try await eventually("the one that nobody wants is gone", within: .seconds(60)) {
                try await cloud.guests() == [pid]
            }
            #expect(try await cloud.ssh(compute, "hostname") == "my-server-01")
            try await cloud.strettch("compute", "reboot", id, "--wait")
            let rebooted = try await cloud.wait(id, until: "RUNNING")
            #expect(try await cloud.ssh(rebooted, "hostname") == "my-server-01")
            #expect(try await cloud.strettch("admin", "audit", "--data", cloud.data).contains("0 findings"))
            try await cloud.strettch("compute", "delete", id, "--yes", "--wait")
            #expect(try await cloud.guests().isEmpty)
            #expect(try await cloud.leftovers() == clean)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cloud.data)/warm").isEmpty)
        }
    }
}
