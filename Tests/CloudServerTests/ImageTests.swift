import CloudCore
import CloudDatabase
import CloudTesting
import CloudWire
import HTTPTypes
import Testing

/// A disk file, of as many bytes as a simulated host cares for.
private let file = Array("a disk".utf8)

@Suite("Images of a team's own over HTTP")
struct ImageTests {
    @Test("one of a snapshot is PREPARING, then READY, with its size, and a compute is made of it")
    func ofSnapshot() async throws {
        try await TestCloud.with { cloud in
            let snapshot = try await cloud.snapshotOf(try await cloud.createAndSettle())
            let made = try await cloud.createImage(#""snapshot": "\#(snapshot)", "name": "Golden""#)
            #expect(made.status == 202, "\(made.text)")
            #expect(made.data?["image"]?.string == "GOLDEN-1")
            #expect(made.data?["name"]?.string == "Golden")
            #expect(made.data?["scope"]?.string == "team")
            #expect(made.data?["state"]?.string == "PREPARING")
            #expect(made.data?["origin"]?["kind"]?.string == "snapshot")
            #expect(made.data?["origin"]?["id"]?.string == snapshot)
            #expect(made.data?["task"]?["action"]?.string == "make")
            #expect(made.data?["bytes"] == nil && made.data?["size"] == nil)
            try await cloud.settle()
            let ready = try await cloud.send(.get, "/images/GOLDEN-1", as: .of(.member))
            #expect(ready.data?["state"]?.string == "READY")
            #expect(ready.data?["bytes"]?.number ?? 0 > 0)
            #expect(ready.data?["minStorageGb"]?.number ?? 0 > 0)
            #expect(ready.data?["task"] == nil && ready.data?["cost"] == nil)
            let compute = try await cloud.create(TestCloud.body(image: "\"GOLDEN-1\""))
            #expect(compute.status == 202, "\(compute.text)")
            try await cloud.settle()
            #expect(try await cloud.state(compute.data?["id"]?.string ?? "") == "RUNNING")
        }
    }

    @Test("one of a compute is made while that is STOPPED, and of no other")
    func ofCompute() async throws {
        try await TestCloud.with { cloud in
            let compute = try await cloud.createAndSettle()
            let early = try await cloud.createImage(#""compute": "\#(compute)""#)
            #expect(early.code == "CONFLICT" && early.fields == ["compute"])
            _ = try await cloud.send(.post, "/computes/\(compute)/stop")
            try await cloud.settle()
            let made = try await cloud.createImage(#""compute": "\#(compute)""#)
            #expect(made.status == 202, "\(made.text)")
            #expect(made.data?["origin"]?["kind"]?.string == "compute")
            // The disk is read, so nothing else is done to it.
            let again = try await cloud.createImage(#""compute": "\#(compute)""#, slug: "OTHER")
            #expect(again.code == "CONFLICT", "\(again.text)")
            try await cloud.settle()
            #expect(try await cloud.imageState("GOLDEN-1") == "READY")
            #expect(try await cloud.createImage(#""compute": "999""#, slug: "X").fields == ["compute"])
            #expect(try await cloud.createImage(#""snapshot": "999""#, slug: "X").fields == ["snapshot"])
        }
    }

    @Test("an Idempotency-Key makes one image, whatever is sent twice, and another body is 422")
    func replay() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.createUpload(of: file, key: key)
            let again = try await cloud.createUpload(of: file, key: key, as: .of(.admin))
            #expect(again.isReplay && again.text == first.text)
            let other = try await cloud.createUpload(of: file, slug: "OTHER", key: key)
            #expect(other.status == 422 && other.fields == ["slug"])
            #expect(try await cloud.send(.get, "/images?scope=team").data?.array?.count == 1)
            let deleteKey = ["Idempotency-Key": TestCloud.newKey()]
            let deleted = try await cloud.send(.delete, "/images/GOLDEN-1", headers: deleteKey)
            try await cloud.settle()
            let repeated = try await cloud.send(.delete, "/images/GOLDEN-1", headers: deleteKey)
            #expect(repeated.isReplay && repeated.text == deleted.text)
        }
    }

    static let sha = String(repeating: "a", count: 64)
    static let invalid: [(body: String, fields: [String])] = [
        ("{}", ["slug", "snapshot"]), (#"{"slug": "", "snapshot": "1"}"#, ["slug"]),
        (#"{"slug": "-a", "snapshot": "1"}"#, ["slug"]), (#"{"slug": "a/b", "snapshot": "1"}"#, ["slug"]),
        (#"{"slug": "\#(String(repeating: "a", count: 64))", "snapshot": "1"}"#, ["slug"]),
        (#"{"slug": "a", "snapshot": "x"}"#, ["snapshot"]), (#"{"slug": "a", "compute": 7}"#, ["compute"]),
        (#"{"slug": "a", "snapshot": "1", "url": "https://a.example/b"}"#, ["snapshot", "url"]),
        (#"{"slug": "a", "snapshot": "1", "format": "raw"}"#, ["format"]),
        (#"{"slug": "a", "url": "ftp://a.example/b"}"#, ["url"]),
        (#"{"slug": "a", "url": "https://"}"#, ["url"]),
        (#"{"slug": "a", "url": "https://u:p@a.example"}"#, ["url"]),
        (#"{"slug": "a", "url": "https://a.example", "sha256": "ab"}"#, ["sha256"]),
        (#"{"slug": "a", "url": "https://a.example", "format": "vmdk"}"#, ["format"]),
        (#"{"slug": "a", "size": 1}"#, ["sha256"]),
        (#"{"slug": "a", "size": 0, "sha256": "\#(sha)"}"#, ["size"]),
        (#"{"slug": "a", "size": "1", "sha256": "\#(sha)"}"#, ["size"]),
        (#"{"slug": "a", "size": 1.5, "sha256": "\#(sha)"}"#, ["size"]),
        (
            #"{"slug": "a", "snapshot": "1", "name": " b", "deletionProtection": 1}"#,
            ["deletionProtection", "name"]
        ),
    ]

    @Test("a body that breaks the rules is 400 with every member at fault", arguments: invalid)
    func refused(_ body: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.post, "/images", body: body)
            #expect(answer.code == "VALIDATION_ERROR", "\(answer.text)")
            #expect(answer.fields == fields, "\(answer.text)")
        }
    }

    @Test("a slug is none of the catalogue's in any case, and the team's once until it is deleted")
    func slugs() async throws {
        try await TestCloud.with { cloud in
            for slug in ["TINY-1", "tiny-1"] {
                let answer = try await cloud.createUpload(of: file, slug: slug)
                #expect(answer.code == "CONFLICT" && answer.fields == ["slug"], "\(answer.text)")
            }
            #expect(try await cloud.createUpload(of: file).status == 202)
            let twice = try await cloud.createUpload(of: file)
            #expect(twice.code == "CONFLICT" && twice.fields == ["slug"])
            #expect(try await cloud.createUpload(of: file, as: .stranger).status == 202)
            _ = try await cloud.send(.delete, "/images/GOLDEN-1")
            try await cloud.settle()
            #expect(try await cloud.send(.get, "/images/GOLDEN-1").status == 404)
            #expect(try await cloud.createUpload(of: file).status == 202)
        }
    }

    @Test("the list has the catalogue's and the team's own, each by its scope")
    func list() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createUpload(of: file)
            let lists: [(String, TestCloud.Key, [String])] = [
                ("", .of(.member), ["UBUNTU-24.04", "TINY-1", "GOLDEN-1"]),
                ("", .stranger, ["UBUNTU-24.04", "TINY-1"]),
                ("?scope=public", .of(.owner), ["UBUNTU-24.04", "TINY-1"]),
                ("?scope=team", .of(.owner), ["GOLDEN-1"]),
                ("?scope=team", .stranger, []),
            ]
            for (query, key, expected) in lists {
                let answer = try await cloud.send(.get, "/images\(query)", as: key)
                let slugs = answer.data?.array?.compactMap { $0["image"]?.string } ?? []
                let known = slugs.filter { expected.contains($0) || $0 == "GOLDEN-1" }
                #expect(Set(known) == Set(expected), "\(query): \(slugs)")
            }
            #expect(try await cloud.send(.get, "/images?scope=all").fields == ["scope"])
            let tiny = try await cloud.send(.get, "/images/TINY-1?wait=READY")
            #expect(tiny.data?["scope"]?.string == "public")
        }
    }

    @Test(
        "another team's image is not there, whatever names it, and neither is one of the catalogue for a change"
    )
    func strangers() async throws {
        try await TestCloud.with { cloud in
            try await cloud.uploadAndSettle(file)
            for (method, path, body) in [
                (.get, "/images/GOLDEN-1", nil), (.delete, "/images/GOLDEN-1", nil),
                (.get, "/images/GOLDEN-1?wait=DELETED&timeout=1", nil),
                (.patch, "/images/GOLDEN-1", #"{"name": "b"}"#),
            ] as [(HTTPRequest.Method, String, String?)] {
                #expect(
                    try await cloud.send(method, path, as: .stranger, body: body).status == 404, "\(method)")
            }
            #expect(try await cloud.sendContent(file, as: .stranger).status == 404)
            let theirs = try await cloud.create(TestCloud.body(image: "\"GOLDEN-1\""), as: .stranger)
            #expect(theirs.code == "RESOURCE_NOT_FOUND" && theirs.fields == ["image"])
            let catalogues = try await cloud.send(.delete, "/images/TINY-1")
            #expect(catalogues.code == "RESOURCE_NOT_FOUND" && catalogues.fields == ["slug"])
        }
    }

    @Test("a Member may look and change nothing")
    func roles() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createUpload(of: file)
            #expect(try await cloud.createUpload(of: file, slug: "B", as: .of(.member)).code == "FORBIDDEN")
            #expect(try await cloud.sendContent(file, as: .of(.member)).code == "FORBIDDEN")
            #expect(try await cloud.send(.delete, "/images/GOLDEN-1", as: .of(.member)).code == "FORBIDDEN")
            #expect(
                try await cloud.send(.patch, "/images/GOLDEN-1", as: .of(.member), body: #"{"name": "b"}"#)
                    .code
                    == "FORBIDDEN")
            #expect(try await cloud.send(.get, "/images/GOLDEN-1", as: .of(.member)).status == 200)
            #expect(try await cloud.sendContent(file, as: .of(.admin)).status == 200)
        }
    }

    @Test("name and protection change, and protection refuses a delete until it is taken off")
    func update() async throws {
        try await TestCloud.with { cloud in
            try await cloud.uploadAndSettle(file)
            let path = "/images/GOLDEN-1"
            let changed = try await cloud.send(
                .patch, path, body: #"{"name": "renamed", "deletionProtection": true}"#)
            #expect(changed.status == 200)
            #expect(changed.data?["name"]?.string == "renamed")
            #expect(changed.data?["deletionProtection"] == .bool(true))
            let refused = try await cloud.send(.delete, path)
            #expect(refused.code == "CONFLICT" && refused.fields == ["deletionProtection"])
            #expect(try await cloud.send(.patch, path, body: "{}").code == "VALIDATION_ERROR")
            _ = try await cloud.send(.patch, path, body: #"{"deletionProtection": false}"#)
            #expect(try await cloud.send(.delete, path).data?["state"]?.string == "DELETING")
            #expect(try await cloud.send(.delete, path).status == 202)
        }
    }

    @Test("a delete is refused while a compute or a snapshot lies over it, and names them")
    func inUse() async throws {
        try await TestCloud.with { cloud in
            try await cloud.uploadAndSettle(file)
            let compute = try await cloud.createAndSettle(TestCloud.body(image: "\"GOLDEN-1\""))
            let snapshot = try await cloud.snapshotOf(compute)
            let refused = try await cloud.send(.delete, "/images/GOLDEN-1")
            #expect(refused.code == "CONFLICT")
            let message = refused.json["message"]?.string ?? ""
            #expect(
                message.contains("compute \(compute)") && message.contains("snapshot \(snapshot)"),
                "\(message)")
            _ = try await cloud.send(.delete, "/computes/\(compute)")
            try await cloud.settle()
            #expect(try await cloud.send(.delete, "/images/GOLDEN-1").code == "CONFLICT")
            _ = try await cloud.send(.delete, "/snapshots/\(snapshot)")
            try await cloud.settle()
            #expect(try await cloud.send(.delete, "/images/GOLDEN-1").status == 202)
            try await cloud.settle()
            let gone = try await cloud.send(.get, "/images/GOLDEN-1?wait=DELETED&timeout=60")
            #expect(gone.data?["state"]?.string == "DELETED")
        }
    }

    @Test("a wait is answered as soon as the state is there", .timeLimit(.minutes(1)))
    func wait() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createUpload(of: file)
            async let answer = cloud.send(.get, "/images/GOLDEN-1?wait=READY,FAILED&timeout=60")
            try await eventually("it waits") { cloud.database.changes.waiting > 0 }
            _ = try await cloud.sendContent(file)
            try await cloud.settle()
            let state = try await answer.data?["state"]?.string
            #expect(state == "READY")
            #expect(try await cloud.send(.get, "/images/GOLDEN-1?wait=RUNNING").fields == ["wait"])
        }
    }
}
