import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("The supervisor")
struct SupervisorTests {
    @Test("machines that can't be looked at don't hide one that is gone")
    func silentMachines() async throws {
        try await TestCloud.with { cloud in
            for _ in 0..<3 { _ = try await cloud.create() }
            try await cloud.settle()
            await cloud.host.set(silent: [1, 3])
            await cloud.host.lose(2)
            try await cloud.supervisor.look()
            try await cloud.worker.runDueJobs()
            #expect(try await cloud.state("1") == "RUNNING")
            #expect(try await cloud.state("2") == "STOPPED")
            #expect(try await cloud.state("3") == "RUNNING")
        }
    }

    @Test("an idempotency key is kept for 30 days after its compute's end, and then forgotten")
    func expiry() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(idempotencyKey: key)
            _ = try await cloud.send(.delete, "/computes/1")
            try await cloud.worker.runDueJobs()
            let living = try await cloud.create()

            cloud.clock.advance(milliseconds: 30 * 86_400_000 - 1)
            try await cloud.supervisor.look()
            #expect(try await cloud.create(idempotencyKey: key).text == first.text)

            cloud.clock.advance(milliseconds: 1)
            try await cloud.supervisor.look()
            let kept = try await cloud.cloud.database.read { sql in
                try sql.query("SELECT resource_id FROM idempotency_keys").map { try $0.int("resource_id") }
            }
            #expect(kept == [2])
            let again = try await cloud.create(idempotencyKey: key)
            #expect(again.status == 202)
            #expect(again.data?["id"]?.string == "3")
            #expect(living.data?["id"]?.string == "2")
        }
    }
}
