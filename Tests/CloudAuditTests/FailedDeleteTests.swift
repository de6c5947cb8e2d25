import CloudCore
import CloudMachines
import CloudTesting
import Testing

@Suite("The audit of a delete after a failed create")
struct FailedDeleteTests {
    @Test("a compute that failed has given its address back before its delete, and that is as it should be")
    func deleteOfFailed() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(imageStatus: .unavailable("gone"))
            let id = try await cloud.createAndSettle()
            #expect(try await cloud.state(id) == "FAILED")
            #expect(try await cloud.act(.delete, on: id).status == 202)
            #expect(try await cloud.findings().isEmpty)
            try await cloud.settle()
            #expect(try await cloud.findings().isEmpty)
        }
    }
}
