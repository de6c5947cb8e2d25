import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// The program as a user runs it, with guests that really boot. Root is needed for bridges and addresses.
@Suite("With real guests", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealGuestTests {
    @Test("one key sent 50 times, with a kill -9 in the middle, makes one machine that is what was asked for")
    func exactlyOnce() async throws {
        try await RealCloud.with { cloud in
            let key = UUID()
            let request = try cloud.request()
            let answers = try await withThrowingTaskGroup(of: EnvelopeWire<ComputeWire>.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        if number == 25 {
                            try await cloud.end(SIGKILL)
                            try await cloud.start()
                        }
                        return try await cloud.client {
                            try await $0.createCompute(request, idempotencyKey: key)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count == 50)
            #expect(Set(answers.map(\.requestId)).count == 1, "every answer is the first one")
            #expect(Set(answers.map(\.timestamp)).count == 1)
            let id = try #require(answers.first?.data.id)
            let compute = try await cloud.wait(id, until: "RUNNING")
            #expect(try await cloud.client { try await $0.allComputes(limit: 100) }.count == 1)
            #expect(try await cloud.guests().count == 1)

            #expect(try await cloud.ssh(compute, "hostname") == "my-server-01")
            #expect(try await cloud.ssh(compute, "nproc") == "1")
            let memoryMb = Int(try await cloud.ssh(compute, "free -m | awk '/^Mem/ {print $2}'")) ?? 0
            #expect((430...512).contains(memoryMb), "\(memoryMb) MB of 512")
            #expect(try await cloud.ssh(compute, "lsblk | awk '/^vda/ {print $4}'") == "10G")
            let address = try await cloud.ssh(compute, "ip -4 -o addr show scope global | awk '{print $4}'")
            #expect(address == "\(compute.privateIpv4 ?? "none")/22")
            #expect(compute.ipv4 == "203.0.113.0")
        }
    }

    @Test("guests outlive the server; teammates are reached, strangers are not; a delete leaves nothing")
    func lifeOfTwoTeams() async throws {
        try await RealCloud.with { cloud in
            let clean = try await cloud.leftovers()
            let stranger = try await cloud.strettch(
                "admin", "team", "create", "strangers", "--data", cloud.data
            )
            .trimmingCharacters(in: .whitespacesAndNewlines)
            var ids: [(id: String, key: String?)] = []
            for (name, key) in [("one", nil), ("two", nil), ("other", stranger)] {
                let request = try cloud.request(name, withPublicIp: name == "one")
                let answer = try await cloud.client(key: key) {
                    try await $0.createCompute(request, idempotencyKey: UUID())
                }
                ids.append((answer.data.id, key))
            }
            var computes: [ComputeWire] = []
            for (id, key) in ids { computes.append(try await cloud.wait(id, until: "RUNNING", key: key)) }
            let (one, two, other) = (computes[0], computes[1], computes[2])

            let guests = Set(try await cloud.guests())
            #expect(guests.count == 3)
            try await cloud.end(SIGKILL)
            try await cloud.start()
            #expect(Set(try await cloud.guests()) == guests, "the same processes as before")
            for (id, key) in ids {
                #expect(
                    try await cloud.client(key: key) { try await $0.compute(id: id) }.data.state == "RUNNING")
            }

            let twoAddress = try #require(two.privateIpv4)
            #expect(try await cloud.reaches(one, twoAddress))
            #expect(try await !cloud.reaches(one, try #require(other.privateIpv4)))
            #expect(try await !cloud.reaches(other, twoAddress))
            #expect(try await cloud.reaches(other, try #require(one.ipv4)), "a public address is public")

            for (id, key) in ids {
                _ = try await cloud.client(key: key) { try await $0.deleteCompute(id: id) }
            }
            try await eventually("no compute is left", within: .seconds(60)) {
                for (_, key) in ids
                where try await !cloud.client(key: key, { try await $0.allComputes(limit: 9) }).isEmpty {
                    return false
                }
                return true
            }
            #expect(try await cloud.leftovers() == clean)
            #expect(try await cloud.guests().isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cloud.data)/machines").isEmpty)
            try await cloud.end(SIGTERM)
        }
    }
}

extension RealCloud {
    /// Whether the guest gets an answer to a ping of the address.
    fileprivate func reaches(_ compute: ComputeWire, _ address: String) async throws -> Bool {
        try await ssh(compute, "ping -c 2 -W 2 \(address) >/dev/null 2>&1 && echo yes || echo no") == "yes"
    }
}
