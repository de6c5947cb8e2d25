import CloudControl
import CloudCore
import CloudTesting
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import CloudServer

@Suite("The table of routes")
struct RouteTests {
    private static func route(_ method: HTTPRequest.Method, _ path: String) -> Route {
        Route(method, path, access: .anyone) { _, _ in Response(status: .ok) }
    }

    private static let table = [
        route(.get, "/"), route(.get, "/docs"), route(.get, "/images/{slug}"),
        route(.put, "/images/{slug}/content"), route(.get, "/images/all"), route(.get, "/files/**"),
        route(.post, "/files/index"), route(.get, "/files/{name}"), route(.get, "/files.json"),
    ]

    @Test(
        "leads a path to the route that says it most exactly",
        arguments: [
            ("GET", "/", "/"), ("GET", "", "/"), ("HEAD", "/docs", "/docs"), ("GET", "/docs/", "/docs"),
            ("GET", "//docs", "/docs"), ("GET", "/docs/x", nil), ("PUT", "/docs", nil),
            ("GET", "/images/a", "/images/{slug}"), ("GET", "/images/all", "/images/all"),
            ("PUT", "/images/a/content", "/images/{slug}/content"), ("GET", "/images", nil),
            ("GET", "/files", "/files/**"), ("GET", "/files/", "/files/**"),
            ("GET", "/files/a", "/files/{name}"), ("GET", "/files/a/b/c", "/files/**"),
            ("POST", "/files/index", "/files/index"), ("GET", "/files/index", nil),
            ("GET", "/files.json", "/files.json"), ("GET", "/filesx", nil), ("GET", "/other", nil),
        ])
    func serving(_ method: String, _ path: String, _ pattern: String?) throws {
        let method = try #require(HTTPRequest.Method(method))
        let found = Self.table.serving(method, path)
        #expect(found?.path.text == pattern)
        let all = Self.table.serving(path)
        #expect(found == nil || all.contains { $0.path.text == pattern })
        #expect(Set(all.map(\.path.exactness)).count <= 1)
    }

    @Test("tells what stands in the place of a parameter")
    func parameter() {
        let pattern = PathPattern("/images/{slug}/content")
        #expect(pattern.parameter(of: "/images/DEBIAN-12/content") == "DEBIAN-12")
        #expect(PathPattern("/docs").parameter(of: "/docs") == nil)
    }

    @Test("says of each endpoint what body the document says")
    func bodies() async throws {
        let document = try OpenAPIDocument(parsing: OpenAPI.document)
        try await TestCloud.with { cloud in
            for route in Routes.all(cloud.cloud) {
                let path = String(route.path.text.dropFirst(Routes.basePath.count))
                let types: Set<String> =
                    switch route.body {
                    case .none: []
                    case .json: ["application/json"]
                    case .upload(let body): Set(body.types)
                    }
                let documented = document.bodyTypes(
                    of: OpenAPIDocument.Operation(method: route.method.rawValue, path: path))
                #expect(documented == types, "\(route.method) \(path)")
            }
        }
    }

    @Test("has pages of any kind and path beside the API, each with its own access")
    func pages() async throws {
        let page = Route(.get, "/docs", access: .anyone) { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/html"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "<h1>Docs</h1>")))
        }
        let own = Route(.get, "/agent/v1/work", access: .key(guests: .none)) { _, context in
            Response(status: .ok, headers: [.eTag: "\(try context.requireCaller().teamId)"])
        }
        try await TestCloud.with { cloud in
            let responder = TestResponder(cloud, [page, own])
            let answer = try await responder.answer(.get, "/docs")
            #expect(answer.status == .ok && answer.text == "<h1>Docs</h1>")
            #expect(answer.headers[.requestId] != nil)
            #expect(try await responder.answer(.head, "/docs").text.isEmpty)
            #expect(try await responder.answer(.post, "/docs").headers[.allow] == "GET")
            #expect(try await responder.answer(.get, "/agent/v1/work").status == .unauthorized)
            let key = try #require(cloud.keys[.owner])
            let work = try await responder.answer(
                .get, "/agent/v1/work", [.authorization: "Bearer \(key)"])
            #expect(work.status == .ok && work.headers[.eTag] != nil)
            let nothing = try await responder.answer(.get, "/agent/v1/nothing")
            #expect(nothing.status == .notFound && nothing.text.contains("\"RESOURCE_NOT_FOUND\""))
        }
    }
}

/// Answers requests by routes of a test's own.
struct TestResponder: Sendable {
    struct Answer: Sendable {
        var status: HTTPResponse.Status
        var headers: HTTPFields
        var text: String
    }

    private let responder: CloudResponder

    init(_ cloud: TestCloud, _ routes: [Route]) {
        responder = CloudResponder(
            clock: cloud.clock, routes: routes, admission: Admission(cloud.cloud), metrics: RequestMetrics(),
            limits: ListenerLimits())
    }

    func answer(
        _ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields = [:],
        body: RequestBody = RequestBody(buffer: ByteBuffer())
    ) async throws -> Answer {
        let head = HTTPRequest(
            method: method, scheme: nil, authority: "a", path: path, headerFields: fields)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let response = try await responder.respond(
            to: Request(head: head, body: body),
            context: CloudRequestContext(source: .init(channel: EmbeddedChannel(), logger: logger)))
        let written = Written()
        try await response.body.write(BodyWriter(written: written))
        return Answer(
            status: response.status, headers: response.headers, text: await written.text)
    }

    private actor Written {
        var text = ""
        func add(_ buffer: ByteBuffer) { text += String(buffer: buffer) }
    }

    private struct BodyWriter: ResponseBodyWriter {
        let written: Written
        mutating func write(_ buffer: ByteBuffer) async throws { await written.add(buffer) }
        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
