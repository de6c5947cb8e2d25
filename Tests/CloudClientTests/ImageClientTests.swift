import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Synchronization
import Testing

/// As a server shows it.
private func image(_ state: String = "UPLOADING", received: Int = 0) -> TeamImageWire {
    TeamImageWire(
        id: "431", image: "GOLDEN-1", name: "Golden", state: state, origin: ImageOriginWire(kind: "upload"),
        format: "raw", size: 6, received: received, sha256: "ab", deletionProtection: false, createdAt: time,
        updatedAt: time)
}

@Suite("The client and images")
struct ImageClientTests {
    @Test("each call is sent as the API wants it")
    func requests() async throws {
        try await FakeServer.with { request, _ in
            request.target.hasPrefix("/api/v1/images?")
                || request.target.hasSuffix("/images") && request.method == "GET"
                ? .answer(200, success([AnyImageWire.ofTeam(image())])) : .answer(202, success(image()))
        } _: { server, port in
            let key = UUID()
            try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") { client in
                _ = try await client.createImage(
                    CreateImageWire(slug: "GOLDEN-1", snapshot: "412"), idempotencyKey: key)
                _ = try await client.images()
                _ = try await client.images(scope: "team")
                _ = try await client.image("GOLDEN-1")
                _ = try await client.teamImage("a b", waitingFor: ["READY", "FAILED"], seconds: 2)
                _ = try await client.updateImage("GOLDEN-1", UpdateImageWire(name: "b"))
                _ = try await client.deleteImage("GOLDEN-1")
            }
            #expect(
                server.requests.map { "\($0.method) \($0.target.dropFirst("/api/v1".count))" } == [
                    "POST /images", "GET /images", "GET /images?scope=team", "GET /images/GOLDEN-1",
                    "GET /images/a%20b?wait=READY%2CFAILED&timeout=2", "PATCH /images/GOLDEN-1",
                    "DELETE /images/GOLDEN-1",
                ])
            let bodies = server.requests.map(\.body).filter { !$0.isEmpty }
            try #require(bodies.count == 2)
            #expect(
                try JSONDecoder().decode([String: String].self, from: Data(bodies[0].utf8))
                    == ["slug": "GOLDEN-1", "snapshot": "412"])
            #expect(bodies[1] == #"{"name":"b"}"#)
            #expect(server.requests[0].header("Idempotency-Key") == key.uuidString.lowercased())
        }
    }

    @Test("a list has both kinds, told by their scope, also from a server that has one kind alone")
    func kinds() throws {
        let text = """
            [{"image":"TINY-1","imageName":"Tiny","version":"1","displayName":"1"},
             {"image":"A","imageName":"A","version":"1","displayName":"1","scope":"public","minStorageGb":2}]
            """
        let catalogue = try JSONDecoder().decode([AnyImageWire].self, from: Data(text.utf8))
        #expect(catalogue.map(\.image) == ["TINY-1", "A"] && catalogue.allSatisfy(\.isReady))
        let own = AnyImageWire.ofTeam(image())
        let read = try JSONDecoder().decode(AnyImageWire.self, from: try JSONEncoder().encode(own))
        #expect(read == own && !read.isReady)
    }

    /// Uploads six bytes to a server that answers as `decide` says.
    private func upload(
        received: Int = 0, _ decide: @escaping @Sendable (FakeRequest, Int) -> FakeAnswer
    ) async throws -> (requests: [FakeRequest], image: Result<TeamImageWire, any Error>, progress: [Int64]) {
        let outcome = Mutex<([FakeRequest], Result<TeamImageWire, any Error>, [Int64])?>(nil)
        try await withTemporaryFolder { folder in
            let path = "\(folder)/disk"
            try Data("a disk".utf8).write(to: URL(filePath: path))
            try await FakeServer.with(decide: decide) { server, port in
                let progress = Mutex<[Int64]>([])
                let result: Result<TeamImageWire, any Error>
                do {
                    result = .success(
                        try await StrettchClient.with(
                            baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
                        ) { client in
                            try await client.upload(
                                image(received: received), from: try ImageUpload(path: path)
                            ) { sent in progress.withLock { $0.append(sent) } }
                        })
                } catch {
                    result = .failure(error)
                }
                let seen = progress.withLock { $0 }
                outcome.withLock { $0 = (server.requests, result, seen) }
            }
        }
        return try #require(outcome.withLock { $0 })
    }

    @Test("an upload is one request with all of the file, or with what is missing of it")
    func whole() async throws {
        for (received, body) in [(0, "a disk"), (2, "disk"), (6, "")] {
            let (requests, sent, progress) = try await upload(received: received) { _, _ in
                .answer(200, success(image("PREPARING", received: 6)))
            }
            try #require(requests.map(\.body) == [body], "\(sent)")
            #expect(requests[0].method == "PUT")
            #expect(requests[0].target == "/api/v1/images/GOLDEN-1/content?offset=\(received)")
            #expect(requests[0].header("Content-Type") == "application/octet-stream")
            #expect(requests[0].header("Content-Length") == "\(body.utf8.count)")
            #expect(try sent.get().state == "PREPARING")
            #expect(progress.first == Int64(received) && progress.last == 6)
        }
    }

    @Test("one that broke off goes on from what the server has")
    func resumed() async throws {
        for refusal in [
            FakeAnswer.drop, .answer(503, failure("SERVICE_UNAVAILABLE")), .answer(409, failure("CONFLICT")),
        ] {
            let (requests, sent, _) = try await upload { request, number in
                if number == 0 { return refusal }
                return .answer(200, success(image("UPLOADING", received: request.method == "GET" ? 4 : 6)))
            }
            #expect(requests.map(\.method) == ["PUT", "GET", "PUT"])
            #expect(requests.last?.target.hasSuffix("offset=4") == true)
            #expect(requests.last?.body == "sk")
            #expect(try sent.get().received == 6)
        }
    }

    @Test("one whose answer alone was lost is done, and one that is refused or never goes on is an error")
    func ended() async throws {
        let done = try await upload { request, _ in
            request.method == "PUT" ? .drop : .answer(200, success(image("PREPARING", received: 6)))
        }
        #expect(done.requests.map(\.method) == ["PUT", "GET"])
        #expect(try done.image.get().state == "PREPARING")
        let refused = try await upload { _, _ in .answer(403, failure("FORBIDDEN")) }
        #expect(refused.requests.count == 1)
        #expect(throws: ClientError.self) { try refused.image.get() }
        let stuck = try await upload { request, _ in
            request.method == "PUT" ? .drop : .answer(200, success(image()))
        }
        #expect(stuck.requests.count(where: { $0.method == "PUT" }) == 4)
        #expect(throws: ClientError.self) { try stuck.image.get() }
    }
}
