import CloudClient
import CloudWire
import Foundation
import Testing

@Suite("The client")
struct StrettchClientTests {
    @Test("a create is sent as the API wants it")
    func createRequest() async throws {
        try await FakeServer.with { _, _ in
            .answer(202, success(compute()))
        } _: { server, port in
            _ = try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)/api/v1/", key: "the-key") {
                try await $0.createCompute(create, idempotencyKey: UUID())
            }
            let request = try #require(server.requests.first)
            #expect(request.method == "POST")
            #expect(request.target == "/api/v1/computes")
            #expect(request.header("Authorization") == "Bearer the-key")
            #expect(request.header("Content-Type") == "application/json")
            let sent = try JSONDecoder().decode(CreateComputeWire.self, from: Data(request.body.utf8))
            #expect(sent == create)
        }
    }

    @Test("a refusal keeps all that the server said")
    func refusal() async throws {
        let problems = [ProblemWire(field: "hostName", message: "has a space")]
        try await FakeServer.with { _, _ in
            .answer(400, failure("VALIDATION_ERROR", "One problem.", errors: problems))
        } _: { _, port in
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") {
                    try await $0.createCompute(create, idempotencyKey: UUID())
                }
            }
            #expect(
                error
                    == ClientError(
                        .refused, status: 400, code: "VALIDATION_ERROR", message: "One problem.",
                        requestId: requestId, problems: problems))
        }
    }

    @Test(
        "an answer that is not of this API says so", arguments: [(200, "<html>"), (404, "<html>"), (302, "")])
    func unreadable(status: Int, body: String) async throws {
        try await FakeServer.with { _, _ in
            .answer(status, body)
        } _: { _, port in
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") {
                    try await $0.images()
                }
            }
            #expect(error?.kind == .unreadable)
            #expect(error?.status == status)
        }
    }

    @Test("an answer beyond the bound is not read")
    func tooLarge() async throws {
        try await FakeServer.with { _, _ in
            .answer(200, String(repeating: " ", count: 2000))
        } _: { _, port in
            var options = instantOptions()
            options.maxAnswerBytes = 1000
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k", options: options)
                {
                    try await $0.images()
                }
            }
            #expect(error?.message.contains("larger than 1000 bytes") == true)
        }
    }

    @Test("without a server the error names the address and the remedy")
    func unreachable() async throws {
        let error = await #expect(throws: ClientError.self) {
            try await StrettchClient.with(
                baseURL: "http+unix://%2Fnowhere%2Fsock", key: "k", options: instantOptions()
            ) { try await $0.images() }
        }
        #expect(
            error?.message == """
                No answer from http+unix://%2Fnowhere%2Fsock (no such file or directory). \
                Is `strettch serve` running there?
                """)
    }

    @Test("a refused connection is unreachable too")
    func refusedConnection() async throws {
        // Port 1 of the loopback (tcpmux) is not served here.
        let error = await #expect(throws: ClientError.self) {
            try await StrettchClient.with(
                baseURL: "http://127.0.0.1:1", key: "k", options: instantOptions()
            ) { try await $0.images() }
        }
        #expect(error?.message.contains("(connection refused)") == true, "\(error?.message ?? "")")
    }

    @Test("a server on a socket is talked to in the same way")
    func socket() async throws {
        let folder = NSTemporaryDirectory() + "strettch-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // left behind, it harms nobody
        let path = folder + "/sock"
        try await FakeServer.with(socket: path) { _, _ in
            .answer(200, success([ImageWire]()))
        } _: { server, _ in
            let url = "http+unix://" + path.replacing("/", with: "%2F")
            let images = try await StrettchClient.with(baseURL: url, key: "k") { try await $0.images() }
            #expect(images.data == [])
            #expect(server.requests.first?.target == "/api/v1/images")
        }
    }

    @Test("all pages are followed to the end, or to the limit")
    func paging() async throws {
        let all = (1...250).map { compute(id: String($0)) }
        try await FakeServer.with { request, _ in
            let query = URLComponents(string: request.target)?.queryItems ?? []
            let numbers = query.compactMap { $0.value.flatMap { Int($0) } }
            let (page, limit) = (numbers[0], numbers[1])
            let data = Array(all.dropFirst((page - 1) * limit).prefix(limit))
            return .answer(200, success(data, meta: MetaWire(total: all.count, page: page, limit: limit)))
        } _: { server, port in
            try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") { client in
                let whole = try await client.allComputes()
                #expect(whole.map(\.id) == all.map(\.id))
                #expect(server.requests.count == 3)
                let part = try await client.allComputes(limit: 120)
                #expect(part.count == 120)
                let few = try await client.allComputes(limit: 5)
                #expect(few.count == 5)
                #expect(server.requests.last?.target == "/api/v1/computes?page=1&limit=5")
            }
        }
    }

    @Test("an id can't lead out of its path")
    func pathPart() async throws {
        try await FakeServer.with { _, _ in
            .answer(200, success(compute()))
        } _: { server, port in
            try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") { client in
                _ = try await client.compute(id: "a/b?c")
            }
            #expect(server.requests.first?.target == "/api/v1/computes/a%2Fb%3Fc")
        }
    }

    @Test("a url or key that can't be one is refused before anything is sent")
    func configuration() async throws {
        for url in ["", "127.0.0.1:8080", "ftp://host", "http://"] {
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(baseURL: url, key: "k") { try await $0.images() }
            }
            #expect(error?.code == "INVALID_URL")
        }
        for key in ["", "a b", "a\r\nX: y"] {
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(baseURL: "http://127.0.0.1:1", key: key) {
                    try await $0.images()
                }
            }
            #expect(error?.code == "INVALID_KEY")
        }
    }
}

@Suite("Waiting for a compute")
struct WaitTests {
    private let bounds = WaitBounds(timeout: .seconds(10), interval: .seconds(1))

    @Test("it ends when the condition holds, with every look reported")
    func reached() async throws {
        try await FakeServer.with { _, before in
            .answer(200, success(compute(state: before < 3 ? "CREATING" : "RUNNING")))
        } _: { _, port in
            try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
            ) { client in
                var looks: [String] = []
                let outcome = try await client.wait(id: "325", bounds: bounds) {
                    $0?.state == "RUNNING"
                } onLook: { compute, elapsed in
                    looks.append("\(elapsed.components.seconds) \(compute?.state ?? "none")")
                }
                #expect(outcome == .reached(compute(state: "RUNNING")))
                #expect(looks == ["0 CREATING", "1 CREATING", "2 CREATING", "3 RUNNING"])
            }
        }
    }

    @Test("it ends when the time is up")
    func timedOut() async throws {
        try await FakeServer.with { _, _ in
            .answer(200, success(compute()))
        } _: { server, port in
            try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
            ) { client in
                let outcome = try await client.wait(id: "325", bounds: bounds) {
                    $0 == nil
                } onLook: { _, _ in
                }
                #expect(outcome == .timedOut(compute()))
                #expect(server.requests.count == 11)
            }
        }
    }

    @Test("a compute that is gone is none")
    func gone() async throws {
        try await FakeServer.with { _, _ in
            .answer(404, failure("RESOURCE_NOT_FOUND"))
        } _: { _, port in
            try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
            ) { client in
                let outcome = try await client.wait(id: "325", bounds: bounds) {
                    $0 == nil
                } onLook: { _, _ in
                }
                #expect(outcome == .reached(nil))
            }
        }
    }
}
