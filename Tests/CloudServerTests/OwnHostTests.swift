import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import CloudWorker
import HTTPTypes
import Testing

/// A database that took no writes for longer than a heartbeat may be old, as when a backup holds it, and then does.
@Suite("A host whose heartbeat could not be written")
struct OwnHostTests {
    @Test("is not down for the program whose own worker it has, in creates and in what is shown")
    func own() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle()
            cloud.clock.advance(milliseconds: HostHeartbeat.downAfterMs + 10_000)
            var program = cloud.cloud
            program.ownHost = { cloud.claim.owned }
            let caller = Caller(keyId: 1, teamId: TestCloud.teamId, role: .owner)
            #expect(try await GetCompute(id: 1, caller: caller).run(in: program).failure == nil)
            #expect(
                try await GetCompute(id: 1, caller: caller).run(in: cloud.cloud).failure?.code == .hostDown)
            #expect(try await !Self.create(in: program).replayed)
            #expect(
                try await GetCompute(id: 1, caller: caller).run(in: cloud.cloud).failure == nil,
                "the create has said that the host lives")
        }
    }

    @Test("is for every other program: 503, and the create may be sent again")
    func others() async throws {
        try await TestCloud.with { cloud in
            cloud.clock.advance(milliseconds: HostHeartbeat.downAfterMs + 10_000)
            let answer = try await cloud.sendRaw(
                .post, "/api/v1/computes", cloud.createFields(), body: Array(TestCloud.body().utf8))
            #expect(answer.status == 503)
            #expect(answer.code == "SERVICE_UNAVAILABLE")
            #expect(answer.headers[.retryAfter] == "1")
            #expect(answer.json["message"]?.string?.contains("(1 host: down)") == true)
            #expect(try await cloud.create().status == 202, "its worker is heard of again")
        }
    }

    @Test("stays down for a program whose worker has lost the host to another")
    func lost() async throws {
        try await TestCloud.with { cloud in
            try await cloud.database.write { sql in
                _ = try sql.execute("UPDATE hosts SET epoch = epoch + 1, heartbeat_ms = 0")
            }
            var program = cloud.cloud
            program.ownHost = { cloud.claim.owned }
            let error = await #expect(throws: CloudError.self) { try await Self.create(in: program) }
            #expect(error?.code == .serviceUnavailable)
        }
    }

    @Test("has no more room than it had: what does not fit is refused, and the heartbeat with it")
    func full() async throws {
        try await TestCloud.with(capacity: Capacity(vcpus: 1)) { cloud in
            _ = try await cloud.create()
            cloud.clock.advance(milliseconds: HostHeartbeat.downAfterMs + 10_000)
            var program = cloud.cloud
            program.ownHost = { cloud.claim.owned }
            let error = await #expect(throws: CloudError.self) { try await Self.create(in: program) }
            #expect(error?.code == .unprocessableEntity)
        }
    }

    private static func create(in program: Cloud) async throws -> ChangeRequest.Outcome {
        try await CreateCompute(
            ComputeRequest(
                hostName: "web", image: "TINY-1", region: "KGL-1", specification: "S-1C",
                publicKeys: [TestCloud.publicKey]),
            request: ChangeRequest(
                endpoint: CreateCompute.endpoint, key: try IdempotencyKey(header: TestCloud.newKey()),
                members: [:], caller: Caller(keyId: 1, teamId: TestCloud.teamId, role: .owner),
                requestId: "r"), answer: { compute, _ in "\(compute.id)" }
        ).run(in: program)
    }
}
