import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

/// As a server shows it.
private func snapshot(id: String = "412", state: String = "TAKING") -> SnapshotWire {
    SnapshotWire(
        id: id, name: "s", computeId: "325", state: state, image: "UBUNTU-24.04", storageGb: 10,
        deletionProtection: false, createdAt: time, updatedAt: time)
}

@Suite("The client and snapshots")
struct SnapshotClientTests {
    @Test("each call is sent as the API wants it")
    func requests() async throws {
        try await FakeServer.with { request, _ in
            request.target.hasSuffix("/restore")
                ? .answer(202, success(compute())) : .answer(202, success(snapshot()))
        } _: { server, port in
            let key = UUID()
            try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") { client in
                _ = try await client.createSnapshot(
                    computeId: "325", CreateSnapshotWire(name: "s"), idempotencyKey: key)
                _ = try await client.snapshot(id: "412")
                _ = try await client.snapshot(id: "412", waitingFor: ["READY", "FAILED"], seconds: 2)
                _ = try await client.updateSnapshot(id: "412", UpdateSnapshotWire(deletionProtection: true))
                _ = try await client.deleteSnapshot(id: "412")
                _ = try await client.restoreCompute(id: "325", RestoreComputeWire(snapshot: "412"))
            }
            #expect(
                server.requests.map { "\($0.method) \($0.target.dropFirst("/api/v1".count)) \($0.body)" } == [
                    #"POST /computes/325/snapshots {"name":"s"}"#, "GET /snapshots/412 ",
                    "GET /snapshots/412?wait=READY%2CFAILED&timeout=2 ",
                    #"PATCH /snapshots/412 {"deletionProtection":true}"#, "DELETE /snapshots/412 ",
                    #"POST /computes/325/restore {"snapshot":"412"}"#,
                ])
            let keys = server.requests.map { $0.header("Idempotency-Key") }
            #expect(keys[0] == key.uuidString.lowercased())
            #expect(keys[1] == nil && keys[2] == nil && keys[3...].allSatisfy { $0 != nil })
        }
    }

    @Test("a list goes by cursors through all pages, with its filters")
    func list() async throws {
        try await FakeServer.with { request, _ in
            let isFirst = !request.target.contains("cursor=")
            let meta = MetaWire(total: nil, page: nil, limit: 100, nextCursor: isFirst ? "next" : nil)
            return .answer(200, success([snapshot(id: isFirst ? "2" : "1")], meta: meta))
        } _: { server, port in
            let all = try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") {
                try await $0.allSnapshots(filter: SnapshotListFilter(computeId: "325", state: "READY"))
            }
            #expect(all.map(\.id) == ["2", "1"])
            #expect(server.requests.allSatisfy { $0.target.hasSuffix("&computeId=325&state=READY") })
        }
    }

    @Test("a wait looks until it is over, held by the server from the second look on")
    func wait() async throws {
        try await FakeServer.with { _, number in
            .answer(200, success(snapshot(state: number < 3 ? "TAKING" : "READY")))
        } _: { server, port in
            let outcome = try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
            ) {
                try await $0.waitForSnapshot(
                    id: "412", bounds: WaitBounds(timeout: .seconds(60)), for: ["READY"],
                    until: { $0?.state != "TAKING" }, onLook: { _, _ in })
            }
            #expect(outcome == .reached(snapshot(state: "READY")))
            #expect(!server.requests[0].target.contains("wait="))
            #expect(server.requests.dropFirst().allSatisfy { $0.target.contains("?wait=READY&timeout=") })
        }
    }
}
