import CloudCore
import CloudDatabase
import CloudTesting
import CloudWire
import HTTPTypes
import Testing

@Suite("Snapshots over HTTP")
struct SnapshotTests {
    @Test("a snapshot is TAKING, then READY, with its size and consistency")
    func create() async throws {
        try await TestCloud.with { cloud in
            let compute = try await cloud.createAndSettle()
            let answer = try await cloud.takeSnapshot(of: compute)
            #expect(answer.status == 202)
            let id = try #require(answer.data?["id"]?.string)
            #expect(answer.data?["state"]?.string == "TAKING")
            #expect(answer.data?["computeId"]?.string == compute)
            #expect(answer.data?["name"]?.string == "before-upgrade")
            #expect(answer.data?["image"]?.string == "TINY-1")
            #expect(answer.data?["storageGb"]?.number == 20)
            #expect(answer.data?["task"]?["action"]?.string == "take")
            #expect(answer.data?["sizeBytes"] == nil && answer.data?["consistency"] == nil)
            try await cloud.settle()
            let ready = try await cloud.send(.get, "/snapshots/\(id)", as: .of(.member))
            #expect(ready.data?["state"]?.string == "READY")
            #expect(ready.data?["sizeBytes"]?.number ?? 0 > 0)
            #expect(ready.data?["consistency"]?.string != nil)
            #expect(ready.data?["task"] == nil && ready.data?["cost"] == nil)
            #expect(try await cloud.state(compute) == "RUNNING")
        }
    }

    @Test("an Idempotency-Key takes one snapshot, whatever is sent twice, and another body is 422")
    func replay() async throws {
        try await TestCloud.with { cloud in
            let compute = try await cloud.createAndSettle()
            let key = TestCloud.newKey()
            let first = try await cloud.takeSnapshot(of: compute, key: key)
            try await cloud.settle()
            let again = try await cloud.takeSnapshot(of: compute, key: key, as: .of(.admin))
            #expect(again.isReplay && again.text == first.text)
            let other = try await cloud.takeSnapshot(
                #"{"name": "other", "deletionProtection": true}"#, of: compute, key: key)
            #expect(other.status == 422)
            #expect(other.fields == ["deletionProtection", "name"])
            let id = first.data?["id"]?.string ?? ""
            #expect(other.json["message"]?.string?.contains("to snapshot \(id)") == true)
            #expect(try await cloud.send(.get, "/snapshots").data?.array?.count == 1)

            let uses = try await cloud.send(.get, "/idempotency-keys/\(key)").data?.array
            #expect(uses?.map { $0["endpoint"]?.string } == ["POST /computes/\(compute)/snapshots"])
            #expect(uses?[0]["resource"]?["kind"]?.string == "snapshot")
            #expect(uses?[0]["computeId"] == nil)
        }
    }

    static let invalid: [(body: String, fields: [String])] = [
        ("{}", ["name"]), (#"{"name": 7, "deletionProtection": "yes"}"#, ["name", "deletionProtection"]),
        (#"{"name": ""}"#, ["name"]), (#"{"name": " a"}"#, ["name"]), (#"{"name": null}"#, ["name"]),
    ]

    @Test("a body that breaks the rules is 400 with every member at fault", arguments: invalid)
    func refused(_ body: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let compute = try await cloud.createAndSettle()
            let answer = try await cloud.takeSnapshot(body, of: compute)
            #expect(answer.code == "VALIDATION_ERROR", "\(answer.text)")
            #expect(answer.fields == fields)
        }
    }

    @Test("a list is filtered by compute and state, and has deleted ones only when they are asked for")
    func list() async throws {
        try await TestCloud.with { cloud in
            let computes = [try await cloud.createAndSettle(), try await cloud.createAndSettle()]
            var ids: [String] = []
            for compute in [computes[0], computes[1], computes[0]] {
                ids.append(try #require(try await cloud.takeSnapshot(of: compute).data?["id"]?.string))
                try await cloud.settle()
            }
            #expect(try await cloud.send(.delete, "/snapshots/\(ids[2])").status == 202)
            try await cloud.settle()
            let lists = [
                ("", [ids[1], ids[0]]), ("?computeId=\(computes[0])", [ids[0]]),
                ("?state=DELETED", [ids[2]]), ("?state=READY&computeId=\(computes[1])", [ids[1]]),
                ("?state=TAKING", []), ("?computeId=999", []), ("?page=2&limit=1", [ids[0]]),
            ]
            for (query, expected) in lists {
                let answer = try await cloud.send(.get, "/snapshots\(query)", as: .of(.member))
                #expect(answer.data?.array?.compactMap { $0["id"]?.string } == expected, "\(query)")
            }
            let first = try await cloud.send(.get, "/snapshots?limit=1")
            let cursor = try #require(first.json["meta"]?["nextCursor"]?.string)
            let second = try await cloud.send(.get, "/snapshots?limit=1&cursor=\(cursor)")
            #expect(second.data?.array?.compactMap { $0["id"]?.string } == [ids[0]])
            #expect(try await cloud.send(.get, "/computes?cursor=\(cursor)").fields == ["cursor"])
            #expect(try await cloud.send(.get, "/snapshots", as: .stranger).data?.array?.isEmpty == true)
        }
    }

    static let badQueries: [(query: String, fields: [String])] = [
        ("state=RUNNING", ["state"]), ("computeId=x", ["computeId"]),
        ("computeId=1&computeId=2", ["computeId"]),
        ("limit=0&state=", ["limit", "state"]), ("cursor=MWM1", ["cursor"]),
    ]

    @Test("a filter that can't be is 400 with every parameter at fault", arguments: badQueries)
    func badList(_ query: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/snapshots?\(query)")
            #expect(answer.code == "BAD_REQUEST")
            #expect(answer.fields == fields)
        }
    }

    @Test("name and protection change, and protection refuses a delete until it is taken off")
    func update() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.snapshotOf(try await cloud.createAndSettle())
            let path = "/snapshots/\(id)"
            let changed = try await cloud.send(
                .patch, path, body: #"{"name": "renamed", "deletionProtection": true}"#)
            #expect(changed.status == 200)
            #expect(changed.data?["name"]?.string == "renamed")
            #expect(changed.data?["deletionProtection"] == .bool(true))
            let refused = try await cloud.send(.delete, path)
            #expect(refused.code == "CONFLICT")
            #expect(refused.json["message"]?.string?.contains("PATCH /snapshots/\(id)") == true)
            #expect(try await cloud.send(.patch, path, body: "{}").code == "VALIDATION_ERROR")
            let off = try await cloud.send(.patch, path, body: #"{"deletionProtection": false}"#)
            #expect(off.data?["name"]?.string == "renamed")
            #expect(try await cloud.send(.delete, path).data?["state"]?.string == "DELETING")
        }
    }

    @Test("a wait is answered as soon as the state is there", .timeLimit(.minutes(1)))
    func wait() async throws {
        try await TestCloud.with { cloud in
            let compute = try await cloud.createAndSettle()
            let id = try #require(try await cloud.takeSnapshot(of: compute).data?["id"]?.string)
            async let answer = cloud.send(.get, "/snapshots/\(id)?wait=READY,FAILED&timeout=60")
            try await eventually("it waits") { cloud.database.changes.waiting > 0 }
            try await cloud.settle()
            let state = try await answer.data?["state"]?.string
            #expect(state == "READY")
            _ = try await cloud.send(.delete, "/snapshots/\(id)")
            // READY can't come again, so nothing is waited for.
            let over = try await cloud.send(.get, "/snapshots/\(id)?wait=READY&timeout=60")
            #expect(over.data?["state"]?.string == "DELETING")
            try await cloud.settle()
            let gone = try await cloud.send(.get, "/snapshots/\(id)?wait=DELETED&timeout=60")
            #expect(gone.data?["state"]?.string == "DELETED")
            #expect(try await cloud.send(.get, "/snapshots/\(id)?wait=RUNNING").fields == ["wait"])
        }
    }

    @Test("a compute is restored of a snapshot, and runs again")
    func restore() async throws {
        try await TestCloud.with { cloud in
            let compute = try await cloud.createAndSettle()
            let id = try await cloud.snapshotOf(compute)
            let answer = try await cloud.restore(compute, of: id)
            #expect(answer.status == 202)
            #expect(answer.data?["task"]?["action"]?.string == "restore")
            #expect(answer.data?["id"]?.string == compute)
            try await cloud.settle()
            let restored = try await cloud.send(.get, "/computes/\(compute)")
            #expect(restored.data?["state"]?.string == "RUNNING")
            #expect(restored.data?["failure"] == nil)
            #expect(try await cloud.send(.get, "/snapshots/\(id)").data?["state"]?.string == "READY")
        }
    }

    static let notASnapshot = ["{}", #"{"snapshot": 412}"#, #"{"snapshot": "x"}"#, #"{"snapshot": ""}"#]

    @Test("a restore names a snapshot by its id", arguments: notASnapshot)
    func badRestore(_ body: String) async throws {
        try await TestCloud.with { cloud in
            let compute = try await cloud.createAndSettle()
            let answer = try await cloud.send(.post, "/computes/\(compute)/restore", body: body)
            #expect(answer.code == "VALIDATION_ERROR")
            #expect(answer.fields == ["snapshot"])
            let create = try await cloud.create(TestCloud.bodyOfSnapshot("\"x\""))
            #expect(create.code == "VALIDATION_ERROR")
            #expect(create.fields == ["snapshot"])
        }
    }

    @Test("a compute is made of a snapshot in place of an image, and of one of them")
    func createOf() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.snapshotOf(try await cloud.createAndSettle())
            let key = TestCloud.newKey()
            let made = try await cloud.create(TestCloud.bodyOfSnapshot("\"\(id)\""), idempotencyKey: key)
            #expect(made.status == 202, "\(made.text)")
            #expect(made.data?["image"]?.string == "TINY-1")
            try await cloud.settle()
            let compute = try #require(made.data?["id"]?.string)
            #expect(try await cloud.state(compute) == "RUNNING")
            // The snapshot is a part of what tells requests apart.
            #expect(try await cloud.create(idempotencyKey: key).fields == ["image", "snapshot"])

            let both = try await cloud.create(TestCloud.body(more: ", \"snapshot\": \"\(id)\""))
            #expect(both.code == "VALIDATION_ERROR")
            #expect(both.fields == ["image", "snapshot"])
            let neither = try await cloud.create(TestCloud.body(image: "null"))
            #expect(neither.code == "VALIDATION_ERROR")
            #expect(neither.fields == ["image"])
            #expect(neither.json["message"]?.string?.contains("as snapshot") == true)
            let none = try await cloud.create(TestCloud.bodyOfSnapshot("\"999\""))
            #expect(none.code == "RESOURCE_NOT_FOUND")
            #expect(none.fields == ["snapshot"])
        }
    }

    @Test("another team's snapshot is not there, whatever names it")
    func strangers() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.snapshotOf(try await cloud.createAndSettle())
            let theirs = try await cloud.createAndSettle(as: .stranger)
            #expect(
                try await cloud.create(TestCloud.bodyOfSnapshot("\"\(id)\""), as: .stranger).fields
                    == ["snapshot"])
            let restore = try await cloud.restore(theirs, of: id, as: .stranger)
            #expect(restore.code == "RESOURCE_NOT_FOUND")
            #expect(restore.fields == ["snapshot"])
        }
    }

    @Test("what is no id is 400")
    func ids() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/snapshots/x")
            #expect(answer.code == "BAD_REQUEST")
            #expect(try await cloud.send(.get, "/snapshots/1").code == "RESOURCE_NOT_FOUND")
            #expect(try await cloud.takeSnapshot(of: "1").code == "RESOURCE_NOT_FOUND")
        }
    }
}

extension TestCloud {
    func takeSnapshot(
        _ body: String = #"{"name": "before-upgrade"}"#, of compute: String, key: String? = nil,
        as caller: Key = .of(.owner)
    ) async throws -> TestAnswer {
        try await send(
            .post, "/computes/\(compute)/snapshots", as: caller,
            headers: key.map { ["Idempotency-Key": $0] } ?? [:], body: body)
    }

    /// The id of a new snapshot of the compute, once it is READY.
    func snapshotOf(_ compute: String) async throws -> String {
        let answer = try await takeSnapshot(of: compute)
        try await settle()
        return answer.data?["id"]?.string ?? "no id in \(answer.text)"
    }

    func restore(
        _ compute: String, of snapshot: String, as key: Key = .of(.owner), headers: [String: String] = [:]
    ) async throws -> TestAnswer {
        try await send(
            .post, "/computes/\(compute)/restore", as: key, headers: headers,
            body: #"{"snapshot": "\#(snapshot)"}"#)
    }

    /// The body of a create that is made of the snapshot, which is JSON.
    static func bodyOfSnapshot(_ snapshot: String) -> String {
        body(image: "null", more: ", \"snapshot\": \(snapshot)")
    }
}
