import AsyncHTTPClient
import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import NIOCore
import NIOHTTP1
import Testing

/// What becomes of a request whose key ends, or may do less, after it was let in: as when its body is held back.
@Suite("A request whose key is changed under way")
struct RevokedKeyTests {
    /// Everything that a key can change.
    enum Change: CaseIterable {
        case create, dryRun, replay, start, stop, reboot, upsize, update, delete, keyed, makeKey, revokeKey
        case snapshot, restore, renameSnapshot, deleteSnapshot
        case image, sendImage, renameImage, deleteImage

        /// Whether it is about snapshot 2, of compute 1.
        var isOfSnapshot: Bool { [.restore, .renameSnapshot, .deleteSnapshot].contains(self) }
    }

    @Test("does nothing once the key is revoked", arguments: Change.allCases)
    func revoked(_ change: Change) async throws {
        try await refused(change, .unauthorized) { sql, caller in
            _ = try sql.keys.revoke(caller.keyId, nowMs: 1)
        }
    }

    @Test("does nothing once the key's role allows it no more", arguments: Change.allCases)
    func lowered(_ change: Change) async throws {
        try await refused(change, .forbidden) { sql, caller in
            _ = try sql.execute("UPDATE api_keys SET role = 'Member' WHERE id = $1", [caller.keyId])
        }
    }

    @Test("makes no key that may do more than its own may by now")
    func loweredToAdmin() async throws {
        try await TestCloud.with { cloud in
            let caller = try await cloud.caller(.owner)
            try await cloud.database.write { sql in
                _ = try sql.execute("UPDATE api_keys SET role = 'Admin' WHERE id = $1", [caller.keyId])
            }
            let error = await #expect(throws: CloudError.self) {
                try await CreateKey(name: "new", role: .owner, by: .caller(caller, requestId: "r"))
                    .run(in: cloud.cloud)
            }
            #expect(error?.code == .forbidden)
            _ = try await CreateKey(name: "new", role: .admin, by: .caller(caller, requestId: "r"))
                .run(in: cloud.cloud)
        }
    }

    private func refused(
        _ change: Change, _ code: ErrorCode,
        _ meanwhile: @escaping @Sendable (any SQLConnection, Caller) throws -> Void
    ) async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            _ = try await cloud.create(idempotencyKey: key)
            try await cloud.settle()
            if change.isOfSnapshot { #expect(try await cloud.snapshotOf("1") == "2") }
            _ = try await cloud.createUpload(of: [0])
            if [.start, .upsize].contains(change) {
                _ = try await cloud.act(.stop, on: "1")
                try await cloud.settle()
            }
            // Let in before, and the body comes after.
            let caller = try await cloud.caller(.admin)
            try await cloud.database.write { sql in try meanwhile(sql, caller) }
            let before = try await cloud.rows()
            let error = await #expect(throws: CloudError.self) {
                try await run(change, caller, key, in: cloud.cloud)
            }
            #expect(error?.code == code)
            #expect(try await cloud.rows() == before)
        }
    }

    private func run(_ change: Change, _ caller: Caller, _ key: String, in cloud: Cloud) async throws {
        func request(_ endpoint: String, _ key: String?) throws -> ChangeRequest {
            ChangeRequest(
                endpoint: endpoint, key: try IdempotencyKey.ifSent(header: key), members: [:], caller: caller,
                requestId: "r")
        }
        let answer: Answer<Compute> = { compute, _ in "\(compute.id)" }
        func act(_ change: ChangeCompute.Change, key: String? = nil) async throws {
            _ = try await ChangeCompute(
                id: 1, change: change, request: try request("any", key), answer: answer
            ).run(in: cloud)
        }
        func actOnSnapshot(_ change: ChangeSnapshot.Change) async throws {
            _ = try await ChangeSnapshot(
                id: 2, change: change, request: try request("any", nil),
                answer: { snapshot, _ in "\(snapshot.id)" }
            ).run(in: cloud)
        }
        func actOnImage(_ change: ChangeImage.Change) async throws {
            _ = try await ChangeImage(
                slug: "GOLDEN-1", change: change, request: try request("any", nil),
                answer: { image, _ in image.slug }
            ).run(in: cloud)
        }
        let asked = ComputeRequest(
            hostName: "web", image: "TINY-1", region: "KGL-1", specification: "S-1C",
            publicKeys: [TestCloud.publicKey])
        let authority = KeyAuthority.caller(caller, requestId: "r")
        switch change {
        case .create:
            let request = try request(CreateCompute.endpoint, TestCloud.newKey())
            _ = try await CreateCompute(asked, request: request, answer: answer).run(in: cloud)
        case .replay:
            let request = try request(CreateCompute.endpoint, key)
            _ = try await CreateCompute(asked, request: request, answer: answer).run(in: cloud)
        case .dryRun: _ = try await QuoteCompute(asked, caller: caller, requestId: "r").run(in: cloud)
        case .start: try await act(.start)
        case .stop: try await act(.stop)
        case .reboot: try await act(.reboot)
        case .upsize: try await act(.upsize(to: "S-2C-4G"))
        case .update: try await act(.update(ComputeUpdate(hostName: "renamed")))
        case .delete: try await act(.delete)
        case .keyed: try await act(.stop, key: TestCloud.newKey())
        case .makeKey: _ = try await CreateKey(name: "new", role: .member, by: authority).run(in: cloud)
        case .revokeKey: _ = try await RevokeKey(id: 3, by: authority).run(in: cloud)
        case .snapshot:
            _ = try await CreateSnapshot(
                computeId: 1, name: "new", request: try request("any", nil),
                answer: { snapshot, _ in "\(snapshot.id)" }
            ).run(in: cloud)
        case .restore: try await act(.restore(snapshot: 2))
        case .renameSnapshot: try await actOnSnapshot(.update(SnapshotUpdate(name: "renamed")))
        case .deleteSnapshot: try await actOnSnapshot(.delete)
        case .image:
            let file = ImageFile(.raw, sha256: String(repeating: "a", count: 64))
            _ = try await CreateImage(
                ImageRequest(slug: "new", origin: .upload(file, size: 1)), request: try request("any", nil),
                answer: { image, _ in image.slug }
            ).run(in: cloud)
        case .sendImage:
            _ = try await SendImageContent(
                slug: "GOLDEN-1", offset: 0, caller: caller, bytes: ByteStream { nil }
            ).run(in: cloud)
        case .renameImage: try await actOnImage(.update(ImageUpdate(name: "renamed")))
        case .deleteImage: try await actOnImage(.delete)
        }
    }

    @Test("ends with its wait as soon as the key is revoked", .timeLimit(.minutes(1)))
    func wait() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            async let answer = cloud.send(.get, "/computes/1?wait=RUNNING&timeout=60", as: .of(.member))
            try await eventually("it waits") { cloud.database.changes.waiting > 0 }
            let member = try await cloud.caller(.member)
            #expect(try await cloud.send(.delete, "/keys/\(member.keyId)").status == 200)
            let code = try await answer.code
            #expect(code == "UNAUTHORIZED")
        }
    }

    @Test("reads no more events once the key is revoked")
    func follow() async throws {
        try await TestCloud.with { cloud in
            let caller = try await cloud.caller(.member)
            let follow = FollowEvents(caller: caller)
            _ = try await cloud.create()
            #expect(try await !follow.next(after: 0, atMost: .seconds(1), in: cloud.cloud).isEmpty)
            #expect(try await cloud.send(.delete, "/keys/\(caller.keyId)").status == 200)
            let error = await #expect(throws: CloudError.self) {
                try await follow.next(after: 0, atMost: .seconds(1), in: cloud.cloud)
            }
            #expect(error?.code == .unauthorized)
        }
    }

    @Test("is 401 over HTTP when its body comes after the revocation", .timeLimit(.minutes(1)))
    func heldBack() async throws {
        try await TestCloud.with { cloud in
            try await cloud.live { server in
                let (parts, body) = AsyncStream<ByteBuffer>.makeStream()
                var request = HTTPClientRequest(url: "\(server.url)/api/v1/computes")
                request.method = .POST
                request.headers = [
                    "Authorization": "Bearer \(cloud.secret(.of(.admin)))",
                    "Content-Type": "application/json",
                    "Idempotency-Key": TestCloud.newKey(),
                ]
                request.body = .stream(parts, length: .unknown)
                async let response = HTTPClient.shared.execute(request, timeout: .seconds(30))
                try await eventually("it is let in") { try await cloud.isUsed(.admin) }
                _ = try await RevokeKey(id: Self.adminsKey, by: .operator(teamId: TestCloud.teamId))
                    .run(in: cloud.cloud)
                body.yield(ByteBuffer(string: TestCloud.body()))
                body.finish()
                let answer = try await response
                #expect(answer.status == .unauthorized)
                let text = String(buffer: try await answer.body.collect(upTo: 10_000))
                #expect(text.contains("was revoked while the request was under way"))
            }
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 0)
        }
    }

    /// The second that `TestCloud` makes.
    private static let adminsKey: Int64 = 2
}

extension TestCloud {
    fileprivate func caller(_ role: Role) async throws -> Caller {
        try await Authenticate(authorization: "Bearer \(secret(.of(role)))").run(in: cloud)
    }

    /// Whether a key of the role was used since the set-up.
    fileprivate func isUsed(_ role: Role) async throws -> Bool {
        try await cloud.keyUse.write(to: cloud.database)
        return try await cloud.database.read { sql in
            try sql.query("SELECT last_used_at_ms FROM api_keys WHERE name = $1", [role.rawValue])[0]
                .intOrNil("last_used_at_ms") != nil
        }
    }

    /// All that a refused change must leave as it is.
    fileprivate func rows() async throws -> [String] {
        try await cloud.database.read { sql in
            try ["computes", "snapshots", "images", "jobs", "idempotency_keys", "events", "api_keys"].flatMap
            { table in
                try sql.query("SELECT * FROM \(table)").map { "\($0.values)" }.sorted()
            }
        }
    }
}
