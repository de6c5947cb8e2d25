import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite(
    "A full disk", .serialized,
    .enabled("mounting needs root, and a machine that lets it", { await SmallDisk.isPossible() }))
struct FullDiskTests {
    /// Creates that a full disk may still take, where the write-ahead log has room from before.
    private static let mostCreates = 2000

    @Test("creates are refused with the remedy, reads go on, and all goes on by itself once there is space")
    func database() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            try await cloud.end(SIGTERM)
            try FileManager.default.removeItem(atPath: cloud.data)
            try await SmallDisk.with(cloud.data, kilobytes: 8192) { disk in
                try await cloud.start()
                var accepted = [try await cloud.create("before")]
                try disk.fill()
                let refusal = try await refused(cloud, &accepted)
                #expect(refusal.status == 503 && refusal.code == "SERVICE_UNAVAILABLE")
                #expect(refusal.message.contains("is full") && refusal.message.contains("free space"))
                let listed = try await cloud.client { try await $0.allComputes() }
                #expect(
                    Set(listed.map(\.id)) == Set(accepted),
                    "what was refused is not there, what was accepted is")

                // Also when it is started while the disk is full.
                try await cloud.end(SIGKILL)
                try await cloud.start()
                #expect(try await cloud.client { try await $0.allComputes() }.count == accepted.count)
                try disk.free()
                for id in accepted { _ = try await cloud.wait(id, until: "RUNNING") }
                accepted.append(try await cloud.create("after"))
                for id in accepted { _ = try await cloud.client { try await $0.deleteCompute(id: id) } }
                try await eventually("all are gone") {
                    try FileManager.default.contentsOfDirectory(atPath: "\(cloud.data)/simulated") == [
                        "network"
                    ]
                }
                try await cloud.end(SIGTERM)
            }
        }
    }

    @Test(
        "disk and seed of a guest that don't fit are made once there is space; a delete gives all back meanwhile"
    )
    func machines() async throws {
        try await RealCloud.with { cloud in
            try await cloud.end(SIGTERM)
            let machines = "\(cloud.data)/machines"
            try await SmallDisk.with(machines, kilobytes: 16384) { disk in
                try disk.fill()
                try await cloud.start()
                let id = try await cloud.create("waits")
                let deleted = try await cloud.create("goes")
                for id in [id, deleted] {
                    try await eventually("the step of compute \(id) has failed") {
                        let task = try await cloud.client { try await $0.compute(id: id) }.data.task
                        return (task?.attempts ?? 0) >= 2 && task?.note != nil
                    }
                }
                _ = try await cloud.client { try await $0.deleteCompute(id: deleted) }
                try await eventually("compute \(deleted) is gone") { try await cloud.isGone(deleted) }
                #expect(!FileManager.default.fileExists(atPath: "\(machines)/\(deleted)"))
                try disk.free()
                _ = try await cloud.wait(id, until: "RUNNING")
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: "\(machines)/\(id)").allSatisfy {
                        !$0.hasSuffix(".new") && !$0.hasSuffix(".d")
                    })
                _ = try await cloud.client { try await $0.deleteCompute(id: id) }
                try await eventually("compute \(id) is gone") { try await cloud.isGone(id) }
                #expect(try FileManager.default.contentsOfDirectory(atPath: machines).isEmpty)
                try await cloud.end(SIGTERM)
            }
        }
    }

    /// Creates until one is refused; those before it are accepted.
    private func refused(_ cloud: RealCloud, _ accepted: inout [String]) async throws -> ClientError {
        for number in 0..<Self.mostCreates {
            do {
                accepted.append(
                    try await cloud.impatientClient {
                        try await $0.createCompute(try cloud.page("full-\(number)"), idempotencyKey: UUID())
                    }.data.id)
            } catch let error as ClientError {
                return error
            }
        }
        throw TestFailure("\(Self.mostCreates) creates fit onto a full disk")
    }
}

extension RealCloud {
    /// The create of the documentation's page, with a key that nobody logs in by.
    func page(_ hostName: String) throws -> CreateComputeWire {
        KillPlan.request(hostName, withPublicIp: false)
    }

    /// Creates a compute, and returns its id.
    func create(_ hostName: String) async throws -> String {
        let request = try page(hostName)
        return try await client { try await $0.createCompute(request, idempotencyKey: UUID()) }.data.id
    }

    /// Whether the API knows the compute no more.
    func isGone(_ id: String) async throws -> Bool {
        do {
            _ = try await client { try await $0.compute(id: id) }
            return false
        } catch let error as ClientError where error.status == 404 {
            return true
        }
    }
}
