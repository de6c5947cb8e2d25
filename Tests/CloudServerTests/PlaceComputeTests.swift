import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import CloudWorker
import HTTPTypes
import Testing

@Suite("The host of a compute")
struct PlaceComputeTests {
    @Test("is the emptiest by default, or the fullest that has room", arguments: Placement.Policy.allCases)
    func policy(_ policy: Placement.Policy) async throws {
        var settings = CloudSettings.test
        settings.placement = policy
        try await TestCloud.with(settings: settings, capacity: Capacity(vcpus: 4)) { cloud in
            try await cloud.join("host-2", Capacity(vcpus: 4))
            for _ in 0..<4 { #expect(try await cloud.create().status == 202) }
            let taken = try await cloud.taken().sorted()
            #expect(taken == (policy == .spread ? [2, 2] : [0, 4]))
        }
    }

    @Test("is another for each compute of a team with the same apart- tag; without one the create is refused")
    func apart() async throws {
        try await TestCloud.with { cloud in
            try await cloud.join("host-2")
            let body = TestCloud.body(more: ", \"tags\": [\"web\", \"apart-db\"]")
            let first = try await cloud.createAndSettle(body)
            #expect(try await cloud.create(body).status == 202)
            #expect(try await cloud.taken() == [1, 1])
            let refused = try await cloud.create(body)
            #expect(refused.status == 422)
            #expect(
                refused.json["message"]?.string?.contains("2 hosts: tags that keep apart") == true)
            let dry = try await cloud.send(
                .post, "/computes?dryRun=true", headers: ["Idempotency-Key": TestCloud.newKey()], body: body)
            #expect(dry.json["message"] == refused.json["message"])
            #expect(try await cloud.create(body, as: .stranger).status == 202, "another team's affair")

            // A tag moves nothing.
            let plain = try await cloud.create().data?["id"]?.string ?? ""
            let tagged = try await cloud.send(
                .patch, "/computes/\(plain)", body: "{\"tags\": [\"apart-db\"]}")
            #expect(tagged.status == 422 && tagged.fields == ["tags"])
            let own = try await cloud.send(.patch, "/computes/\(first)", body: "{\"tags\": [\"apart-db\"]}")
            #expect(own.status == 200)
        }
    }

    @Test("has its room back once the compute is gone, and when its create has failed; an upsize takes more")
    func counters() async throws {
        try await TestCloud.with(capacity: Capacity(vcpus: 2, memoryMb: 8192)) { cloud in
            let id = try await cloud.createAndSettle()
            #expect(try await cloud.taken() == [1])
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            _ = try await cloud.act(.upsize, on: id)
            #expect(try await cloud.taken() == [2])
            try await cloud.settle()
            _ = try await cloud.act(.delete, on: id)
            #expect(try await cloud.taken() == [2], "not before the machine is gone")
            try await cloud.settle()
            #expect(try await cloud.taken() == [0])
            await cloud.failCreates()
            let failed = try await cloud.createAndSettle()
            #expect(try await cloud.state(failed) == "FAILED")
            #expect(try await cloud.taken() == [0])
            _ = try await cloud.act(.delete, on: failed)
            try await cloud.settle()
            #expect(try await cloud.taken() == [0], "given back once")
            #expect(try await cloud.database.read { sql in try sql.hosts.get(1)?.taken } == Resources())
        }
    }

    @Test("is none that is cordoned or drained; its computes stay, and it is removed only when none is left")
    func operated() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            for (change, reason) in [(ChangeHost.Change.cordon, "cordoned"), (.drain, "draining")] {
                let report = try await ChangeHost(name: "host-1", change: change).run(in: cloud.cloud)
                #expect(report.computes == 1 && report.images == ["TINY-1"])
                let message = try await cloud.create().json["message"]?.string
                #expect(message?.contains("(1 host: \(reason))") == true)
                #expect(try await cloud.state(id) == "RUNNING")
            }
            let kept = await #expect(throws: CloudError.self) {
                try await ChangeHost(name: "host-1", change: .remove).run(in: cloud.cloud)
            }
            #expect(kept?.code == .conflict && kept?.message.contains("my-server-01 (1)") == true)
            for _ in 0..<2 {
                _ = try await ChangeHost(name: "host-1", change: .uncordon).run(in: cloud.cloud)
            }
            #expect(try await cloud.create().status == 202)
            for id in ["1", "2"] { _ = try await cloud.act(.delete, on: id) }
            try await cloud.settle()
            _ = try await ChangeHost(name: "host-1", change: .remove).run(in: cloud.cloud)
            let none = try await cloud.create().json["message"]?.string
            #expect(none?.contains("no host has joined the cell yet") == true)
            let unknown = await #expect(throws: CloudError.self) {
                try await ChangeHost(name: "host-1", change: .cordon).run(in: cloud.cloud)
            }
            #expect(unknown?.code == .resourceNotFound)
            let events = try await cloud.database.read { sql in
                try sql.query("SELECT kind FROM events WHERE team_id IS NULL ORDER BY id").map {
                    try $0.text("kind")
                }
            }
            #expect(
                events == ["host.joined", "host.cordoned", "host.draining", "host.active", "host.removed"])
        }
    }
}

extension TestCloud {
    fileprivate func join(_ name: String, _ capacity: Capacity = Capacity()) async throws {
        try await RegisterHost(
            facts: HostFacts(identity: name, name: name, capacity: capacity), owner: "other"
        ).run(in: database, HostClaim(), clock: clock)
    }

    /// vCPUs given out of each host.
    fileprivate func taken() async throws -> [Int] {
        try await database.read { sql in try sql.hosts.list().map(\.taken.vcpus) }
    }
}
