import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Testing

@Suite("Changes of a compute")
struct ChangeComputeTests {
    @Test("an upsize changes the specification at once, in either dialect, and never makes smaller")
    func upsize() async throws {
        try await TestCloud.with { cloud in
            let id = try await stopped(cloud)
            func upsize(_ body: String) async throws -> TestAnswer {
                try await cloud.send(.patch, "/computes/\(id)/upsize", body: body)
            }
            let same = try await upsize("{\"newSpecification\": \"S-1C-1G\"}")
            #expect(same.code == "UNPROCESSABLE_ENTITY")
            #expect(same.fields == ["newSpecification"])
            #expect(try await upsize("{\"newSpecification\": \"S-1C\"}").code == "UNPROCESSABLE_ENTITY")
            #expect(try await upsize("{\"newSpecification\": \"S-9C\"}").code == "RESOURCE_NOT_FOUND")
            #expect(try await upsize("{\"newSpecification\": 4}").code == "VALIDATION_ERROR")
            let older = "{\"newSpecificationId\": \"0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0004\"}"
            let answer = try await upsize(older)
            #expect(answer.status == 202)
            #expect(answer.data?["specification"]?.string == "S-2C-4G")
            #expect(try await upsize(older).code == "CONFLICT", "one upsize at a time")
            try await cloud.settle()
            #expect(await cloud.host.diskSizes[1] == 80)
            #expect(try await cloud.state(id) == "STOPPED")
        }
    }

    @Test("an upsize for which there is no room is refused, and what the compute has is not counted twice")
    func capacity() async throws {
        try await TestCloud.with(capacity: Capacity(vcpus: 2, memoryMb: 4096, storageGb: 80)) { cloud in
            let id = try await stopped(cloud)
            #expect(try await cloud.act(.upsize, on: id).status == 202)
        }
        try await TestCloud.with(capacity: Capacity(vcpus: 2, memoryMb: 4095)) { cloud in
            let id = try await stopped(cloud)
            let answer = try await cloud.act(.upsize, on: id)
            #expect(answer.code == "UNPROCESSABLE_ENTITY")
            #expect(answer.fields == ["newSpecification"])
        }
    }

    @Test("an update changes what it names; the guest takes a new name at its next boot")
    func update() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"tags\": [\"web\"]"))
            let answer = try await cloud.act(.update, on: id)
            #expect(answer.status == 200)
            #expect(answer.data?["hostName"]?.string == "renamed")
            #expect(answer.data?["tags"]?.array?.count == 1)
            let tags = try await cloud.send(.patch, "/computes/\(id)", body: "{\"tags\": []}")
            #expect(tags.data?["tags"]?.array?.isEmpty == true)
            #expect(tags.data?["hostName"]?.string == "renamed")
            _ = try await cloud.act(.reboot, on: id)
            try await cloud.settle()
            #expect(await cloud.host.seeds[1]?.hostName == "renamed")
        }
    }

    @Test(
        "an update that names nothing, or breaks a rule, is refused and changes nothing",
        arguments: [
            ("{}", "hostName"), ("{\"hostName\": \"a b\"}", "hostName"),
            ("{\"tags\": [\"a\", \"a\"]}", "tags[1]"),
            ("{\"tags\": \"a\"}", "tags"), ("{\"deletionProtection\": 1}", "deletionProtection"),
        ])
    func badUpdate(_ body: String, _ field: String) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let answer = try await cloud.send(.patch, "/computes/\(id)", body: body)
            #expect(answer.code == "VALIDATION_ERROR")
            #expect(answer.fields == [field])
            #expect(try await cloud.send(.get, "/computes/\(id)").data?["hostName"]?.string == "my-server-01")
        }
    }

    @Test("a protected compute is not deleted until the protection is taken off")
    func protection() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"deletionProtection\": true"))
            let refused = try await cloud.act(.delete, on: id)
            #expect(refused.code == "CONFLICT")
            #expect(refused.fields == ["deletionProtection"])
            #expect(try await cloud.state(id) == "RUNNING")
            _ = try await cloud.send(.patch, "/computes/\(id)", body: "{\"deletionProtection\": false}")
            #expect(try await cloud.act(.delete, on: id).status == 202)
        }
    }

    @Test(
        "a key makes each change happen once, and its retry gets the same bytes",
        arguments: ComputeAction.asked.filter { $0 != .create })
    func once(_ action: ComputeAction) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            if [.start, .upsize].contains(action) {
                _ = try await cloud.act(.stop, on: id)
                try await cloud.settle()
            }
            let snapshot = action == .restore ? try await cloud.snapshotOf(id) : nil
            let headers = ["Idempotency-Key": TestCloud.newKey()]
            func send() async throws -> TestAnswer {
                guard let snapshot else { return try await cloud.act(action, on: id, headers: headers) }
                return try await cloud.restore(id, of: snapshot, headers: headers)
            }
            let first = try await send()
            try await cloud.settle()
            let events = try await eventCount(cloud)
            let again = try await send()
            #expect(again.text == first.text)
            #expect(again.status == first.status)
            #expect(again.isReplay)
            #expect(!first.isReplay)
            #expect(try await eventCount(cloud) == events, "nothing is done again")
        }
    }

    @Test(
        "a key that was used with another body is refused with the members that differ; a refusal uses no key"
    )
    func otherBody() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let headers = ["Idempotency-Key": TestCloud.newKey()]
            #expect(try await cloud.act(.upsize, on: id, headers: headers).code == "COMPUTE_RUNNING")
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            #expect(try await cloud.act(.upsize, on: id, headers: headers).status == 202)
            let other = try await cloud.send(
                .patch, "/computes/\(id)/upsize", headers: headers, body: "{\"newSpecification\": \"S-1C\"}")
            #expect(other.code == "UNPROCESSABLE_ENTITY")
            #expect(other.fields == ["newSpecification"])
            let start = try await cloud.act(.start, on: id, headers: headers)
            #expect(start.status == 202, "a key belongs to an endpoint")
        }
    }

    @Test("a key tells what it was used for, to its team alone")
    func keyUses() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            #expect(try await cloud.send(.get, "/idempotency-keys/\(key)").code == "RESOURCE_NOT_FOUND")
            let created = try await cloud.create(idempotencyKey: key)
            let id = try #require(created.data?["id"]?.string)
            let uses = try await cloud.send(.get, "/idempotency-keys/\(key.uppercased())", as: .of(.member))
            #expect(uses.data?.array?.map { $0["endpoint"]?.string } == ["POST /computes"])
            #expect(uses.data?.array?.first?["computeId"]?.string == id)
            #expect(uses.data?.array?.first?["expiresAt"] == nil)
            #expect(try await cloud.send(.get, "/idempotency-keys/\(key)", as: .stranger).status == 404)
            #expect(try await cloud.send(.get, "/idempotency-keys/x").code == "INVALID_IDEMPOTENCY_KEY")
        }
    }

    @Test("user data reaches the guest's seed, and what cloud-init would not know is refused")
    func userData() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle(
                TestCloud.body(more: ", \"userData\": \"#!/bin/sh\\ntrue\\n\""))
            #expect(await cloud.host.seeds[1]?.userData == "#!/bin/sh\ntrue\n")
            let refused = try await cloud.create(TestCloud.body(more: ", \"userData\": \"hello\""))
            #expect(refused.code == "VALIDATION_ERROR")
            #expect(refused.fields == ["userData"])
        }
    }

    private func stopped(_ cloud: TestCloud) async throws -> String {
        let id = try await cloud.createAndSettle()
        _ = try await cloud.act(.stop, on: id)
        try await cloud.settle()
        return id
    }

    private func eventCount(_ cloud: TestCloud) async throws -> Int {
        try await cloud.cloud.database.read { sql in try sql.events.list(resourceId: 1, limit: 100).count }
    }
}
