import CloudWire
import Testing

@testable import CloudServer
@testable import CloudTesting

private let requestId = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
private let createBody =
    #"{"hostName":"a","image":"I","region":"R","specification":"S","publicKeys":["ssh-rsa A"],"other":1}"#
private let computeBody = """
    {"success":true,"message":"ok","data":{"id":"1","hostName":"a","state":"CREATING","image":"I",\
    "specification":"S","region":"R","tags":[],"deletionProtection":false,\
    "createdAt":"2024-01-15T10:00:00Z",\
    "updatedAt":"2024-01-15T10:00:00Z"},"requestId":"\(requestId)","timestamp":"2024-01-15T10:00:00Z"}
    """

private func errorBody(_ code: String) -> String {
    """
    {"success":false,"code":"\(code)","message":"why","requestId":"\(requestId)",\
    "timestamp":"2024-01-15T10:00:00Z"}
    """
}

/// A create that keeps the contract.
private func accepted() -> OpenAPIExchange {
    OpenAPIExchange(
        method: "POST", target: "/api/v1/computes",
        requestHeaders: [
            ("Authorization", "Bearer key"), ("Content-Type", "application/json; charset=utf-8"),
            ("Idempotency-Key", "6F1D7A52-3f43-4b7e-9d0e-0a6f0a3c7e11"),
        ],
        requestBody: Array(createBody.utf8), status: 202,
        responseHeaders: [
            ("Content-Type", "application/json; charset=utf-8"), ("X-Request-Id", requestId), ("Date", "now"),
        ],
        responseBody: Array(computeBody.utf8))
}

private func refused(
    _ method: String, _ target: String, _ status: Int, _ code: String, headers: [(String, String)] = []
) -> OpenAPIExchange {
    OpenAPIExchange(
        method: method, target: target, status: status,
        responseHeaders: [("Content-Type", "application/json"), ("X-Request-Id", requestId)]
            + headers.map { (name: $0.0, value: $0.1) },
        responseBody: Array(errorBody(code).utf8))
}

/// One planted fault, and a part of what is said about it.
private struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var expected: String
    var plant: @Sendable (inout OpenAPIExchange) -> Void

    init(_ name: String, _ expected: String, _ plant: @escaping @Sendable (inout OpenAPIExchange) -> Void) {
        testDescription = name
        self.expected = expected
        self.plant = plant
    }
}

private let faults = [
    Fault("an undeclared status", "the status is not declared") { $0.status = 201 },
    Fault("an undeclared header", "header X-Extra: is not declared") {
        $0.responseHeaders.append(("X-Extra", "1"))
    },
    Fault("no request id", "header X-Request-Id: is missing") {
        $0.responseHeaders.removeAll { $0.name == "X-Request-Id" }
    },
    Fault("another request id than in the body", "is not the body's requestId") {
        $0.responseHeaders[1].value = "00000000-58cc-4372-a567-0e02b2c3d479"
    },
    Fault("a replay mark that is not true", "header Idempotent-Replayed") {
        $0.responseHeaders.append(("idempotent-replayed", "yes"))
    },
    Fault("another content type", "content-type: text/html is not declared") {
        $0.responseHeaders[0].value = "text/html"
    },
    Fault("no content type", "content-type: none is not declared") { $0.responseHeaders.removeFirst() },
    Fault("an answer that is no JSON", "body: is no JSON") { $0.responseBody = Array("<html>".utf8) },
    Fault("an undeclared member", "body.data.hostname: is not declared") {
        $0.responseBody = Array(computeBody.replacing(#""id":"1""#, with: #""id":"1","hostname":"a""#).utf8)
    },
    Fault("null for an absent member", "body.data.ipv4: null is no string") {
        $0.responseBody = Array(computeBody.replacing(#""id":"1""#, with: #""id":"1","ipv4":null"#).utf8)
    },
    Fault("accepted without a key", "Authorization: is no bearer key") { $0.requestHeaders.removeFirst() },
    Fault("accepted with a UUID v1", "header parameter Idempotency-Key") {
        $0.requestHeaders[2].value = "6f1d7a52-3f43-1b7e-9d0e-0a6f0a3c7e11"
    },
    Fault("accepted without body", "body: is missing") { $0.requestBody = [] },
    Fault("accepted with another content type", "content-type: text/plain is not declared") {
        $0.requestHeaders[1].value = "text/plain"
    },
    Fault("accepted with a bad host name", "body.hostName") {
        $0.requestBody = Array(createBody.replacing(#""hostName":"a""#, with: #""hostName":"a_b""#).utf8)
    },
    Fault("accepted without a specification", "alternatives of anyOf") {
        $0.requestBody = Array(createBody.replacing(#""specification":"S","#, with: "").utf8)
    },
]

@Suite("Exchanges against the API document")
struct OpenAPIExchangeTests {
    let document: OpenAPIDocument

    init() throws { document = try OpenAPIDocument(parsing: PackageResources.openapi_json) }

    @Test("an exchange that keeps the contract has no problems")
    func good() {
        #expect(document.check(accepted()) == [])
        var replayed = accepted()
        replayed.responseHeaders = [
            ("content-type", "application/json"), ("x-request-id", "00000000-58cc-4372-a567-0e02b2c3d479"),
            ("idempotent-replayed", "true"),
        ]
        #expect(document.check(replayed) == [])
    }

    @Test("a planted fault is found, alone", arguments: faults)
    private func planted(_ fault: Fault) throws {
        var exchange = accepted()
        fault.plant(&exchange)
        let problems = document.check(exchange)
        #expect(problems.count == 1)
        #expect(problems.first?.contains(fault.expected) == true, "\(problems)")
    }

    @Test("a parameter that is required and missing is found")
    func missingParameter() throws {
        // No header is required in the document itself: a dry run needs no Idempotency-Key.
        let text = String(decoding: OpenAPI.document, as: UTF8.self)
        let strict = try OpenAPIDocument(
            parsing: text.replacing("\"required\": false", with: "\"required\": true").utf8)
        var exchange = accepted()
        #expect(strict.check(exchange) == [])
        exchange.requestHeaders.removeLast()
        let problems = strict.check(exchange)
        #expect(problems.count == 1)
        #expect(
            problems.first?.contains("header parameter Idempotency-Key: is missing") == true, "\(problems)")
    }

    @Test("a refused request may be anything")
    func refusals() {
        #expect(document.check(refused("POST", "/api/v1/computes", 400, "MALFORMED_JSON")) == [])
        #expect(document.check(refused("GET", "/api/v1/computes?limit=500", 400, "VALIDATION_ERROR")) == [])
        let unauthorized = refused(
            "GET", "/api/v1/images", 401, "UNAUTHORIZED", headers: [("WWW-Authenticate", "Bearer")])
        #expect(document.check(unauthorized) == [])
    }

    @Test("a code that does not belong to the status is a problem")
    func wrongCode() {
        #expect(document.check(refused("POST", "/api/v1/computes", 400, "CONFLICT")).count == 1)
        #expect(document.check(refused("GET", "/api/v1/images", 400, "MALFORMED_JSON")).count == 1)
    }

    @Test("401 names the scheme and 503 says when to come back")
    func requiredHeaders() {
        #expect(document.check(refused("GET", "/api/v1/images", 401, "UNAUTHORIZED")).count == 1)
        #expect(document.check(refused("GET", "/api/v1/images", 503, "SERVICE_UNAVAILABLE")).count == 1)
        let retry = refused(
            "GET", "/api/v1/images", 503, "SERVICE_UNAVAILABLE", headers: [("Retry-After", "2")])
        #expect(document.check(retry) == [])
    }

    @Test("an accepted query must be within its bounds", arguments: ["limit=500", "page=x", "page=1&page=2"])
    func query(_ query: String) {
        var exchange = accepted()
        exchange.method = "GET"
        exchange.target = "/api/v1/computes?\(query)"
        exchange.status = 200
        exchange.responseBody = Array(
            """
            {"success":true,"message":"ok","data":[],"meta":{"total":0,"page":1,"limit":20},\
            "requestId":"\(requestId)","timestamp":"2024-01-15T10:00:00Z"}
            """.utf8)
        #expect(document.check(exchange).count == 1)
        exchange.target = "/api/v1/computes?limit=100&page=2&unknown=x"
        #expect(document.check(exchange) == [])
    }

    @Test("a path without parameters wins over one with them")
    func literalPath() {
        var exchange = accepted()
        exchange.method = "GET"
        exchange.target = "/api/v1/computes/1"
        exchange.status = 200
        #expect(document.check(exchange) == [])
        exchange.target = "/api/v1/computes/specifications"
        #expect(!document.check(exchange).isEmpty)
    }

    @Test("an unknown path is answered 404, an unknown method 405 with Allow")
    func unknown() {
        #expect(document.check(refused("GET", "/api/v1/nothing", 404, "RESOURCE_NOT_FOUND")) == [])
        #expect(document.check(refused("GET", "/elsewhere", 404, "RESOURCE_NOT_FOUND")) == [])
        let allow = [("Allow", "GET, POST")]
        let put = refused("PUT", "/api/v1/computes", 405, "METHOD_NOT_ALLOWED", headers: allow)
        #expect(document.check(put) == [])
        #expect(document.check(refused("PUT", "/api/v1/computes", 405, "METHOD_NOT_ALLOWED")).count == 1)
        #expect(document.check(refused("PUT", "/api/v1/computes", 404, "RESOURCE_NOT_FOUND")).count == 1)
        var nothing = accepted()
        nothing.target = "/api/v1/nothing"
        #expect(document.check(nothing).count == 1)
    }
}

@Suite("Documents that can't be used")
struct OpenAPIDocumentFaultsTests {
    private func faults(_ schema: String) throws -> [String] {
        let text = #"{"openapi":"3.1.0","paths":{},"components":{"schemas":{"A":\#(schema)}}}"#
        return OpenAPIDocumentFaults.find(in: try JSONValue(parsing: text.utf8))
    }

    @Test(
        "a keyword that is not checked, or has an impossible operand, is a fault",
        arguments: [
            #"{"multipleOf":2}"#, #"{"properties":{"a":{"minProperties":2}}}"#, #"{"items":{"contains":{}}}"#,
            #"{"anyOf":[{"not":{}}]}"#, #"{"additionalProperties":{"if":{}}}"#, #"{"format":"email"}"#,
            #"{"pattern":"("}"#, #"{"type":"text"}"#, #"{"minLength":"1"}"#, #"{"maximum":"1"}"#,
            ##"{"$ref":"#/components/schemas/B"}"##, #"{"required":"a"}"#, #"{"enum":[]}"#,
        ])
    func badSchema(_ schema: String) throws { #expect(try faults(schema).count == 1) }

    @Test("a usable schema is none") func goodSchema() throws {
        #expect(try faults(#"{"type":"string"}"#) == [])
    }

    @Test("an unusable document says all that is wrong with it")
    func unusable() throws {
        let error = #expect(throws: OpenAPIDocument.Unusable.self) {
            try OpenAPIDocument(parsing: #"{"openapi":"3.0.0","paths":{"/a":{"fetch":{}}}}"#.utf8)
        }
        #expect(error?.faults == ["openapi: is not 3.1", "paths./a: fetch is not understood"])
    }
}
