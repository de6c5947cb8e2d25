import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Synchronization
import Testing

@testable import CloudWorker

@Suite("What trying again does not mend")
struct HopelessBootTests {
    /// Ports that other programs have, as a boot finds them.
    private final class Held: Sendable {
        let ports: Mutex<[Int]>
        init(_ ports: [Int]) { self.ports = Mutex(ports) }
        var left: Int { ports.withLock { $0.count } }
        func meet(_ operation: SimulatedHost.Operation, _ moment: SimulatedHost.Moment) throws {
            guard operation == .boot, moment == .before else { return }
            let next = ports.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let next { throw SSHPortTaken(port: next) }
        }
    }

    private static var userMode: CloudSettings {
        var settings = CloudSettings.test
        settings.sshPorts = 22000...22003
        return settings
    }

    @Test("a port that another program has is left for the next free one, at once")
    func portTaken() async throws {
        try await TestCloud.with(settings: Self.userMode) { cloud in
            let first = try await cloud.createAndSettle()
            let held = Held([22001, 22002])
            await cloud.host.set(fault: { try held.meet($0, $1) })
            let start = cloud.clock.nowMs
            let id = try await cloud.createAndSettle()
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(cloud.clock.nowMs == start)
            #expect(try await port(id, cloud) == 22003)
            #expect(try await port(first, cloud) == 22000)
        }
    }

    @Test("the ports below are tried after those above, and once all were the compute fails with the reason")
    func noPort() async throws {
        try await TestCloud.with(settings: Self.userMode) { cloud in
            let held = Held([22000, 22001, 22002, 22003, 22000])
            await cloud.host.set(fault: { try held.meet($0, $1) })
            let id = try await cloud.createAndSettle()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "FAILED")
            #expect(answer.data?["failure"]?["code"]?.string == "HOST_FAILED")
            #expect(answer.data?["failure"]?["message"]?.string?.contains("22000") == true)
            #expect(held.left == 0)
        }
    }

    @Test("an image that is larger than the disk fails the create at once")
    func imageTooLarge() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(fault: { operation, moment in
                guard operation == .makeDisk, moment == .before else { return }
                throw CloudError(.unprocessableEntity, "The image needs more. Choose a larger specification.")
            })
            let id = try await cloud.createAndSettle()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "FAILED")
            #expect(answer.data?["failure"]?["message"]?.string?.contains("Choose a larger") == true)
        }
    }

    @Test(
        "what an attempt failed of is kept for the operator until the step is over, and is no part of the task"
    )
    func detail() async throws {
        try await TestCloud.with { cloud in
            let words = String(repeating: "q", count: 3000)
            await cloud.host.set(fault: { operation, moment in
                guard operation == .boot, moment == .before else { return }
                throw CloudError(.internalServerError, "It ended.", detail: words)
            })
            let id = try await cloud.createAndSettle()
            let detail = {
                try await cloud.cloud.database.read { sql in try sql.jobs.detail(try #require(Int64(id))) }
            }
            #expect(try await detail() == String(repeating: "q", count: 2000))
            let task = try await cloud.send(.get, "/computes/\(id)").data?["task"]
            #expect(task?["note"]?.string == "It ended." && task?["detail"] == nil)
            await cloud.host.set(fault: { _, _ in })
            cloud.clock.advance(milliseconds: 60_000)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(try await detail() == nil)
        }
    }

    private func port(_ id: String, _ cloud: TestCloud) async throws -> Int? {
        try await cloud.cloud.database.read { sql in try sql.computes.get(try #require(Int64(id)))?.sshPort }
    }
}
