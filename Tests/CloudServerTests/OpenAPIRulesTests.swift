import CloudCore
import CloudWire
import HTTPTypes
import Testing

@testable import CloudServer
@testable import CloudTesting

/// One operation of the document, with what its path shares.
private struct DocumentedOperation: CustomStringConvertible {
    var description: String
    var path: String
    var isOpen: Bool
    var parameters: [JSONValue]
    var body: JSONValue?
    var responses: [String: JSONValue]

    static func all(in document: OpenAPIDocument) -> [DocumentedOperation] {
        document.operations.compactMap { operation in
            let item = document.root["paths"]?[operation.path]
            guard let value = item?[operation.method.lowercased()] else { return nil }
            return DocumentedOperation(
                description: operation.description, path: operation.path,
                isOpen: value["security"] == .array([]),
                parameters: ((item?["parameters"]?.array ?? []) + (value["parameters"]?.array ?? []))
                    .map(document.followed),
                body: value["requestBody"].map(document.followed),
                responses: value["responses"]?.object ?? [:])
        }
    }
}

@Suite("Rules of the API document")
struct OpenAPIRulesTests {
    let document: OpenAPIDocument
    private let operations: [DocumentedOperation]

    init() throws {
        document = try OpenAPIDocument(parsing: PackageResources.openapi_json)
        operations = DocumentedOperation.all(in: document)
    }

    @Test("it names exactly the error codes that the server has, and among them those of the API reference")
    func errorCodes() {
        let named = document.root.at(pointer: "/components/schemas/ErrorCode")?["enum"]?.array ?? []
        #expect(named == ErrorCode.allCases.map { .string($0.rawValue) })
        let reference: Set<JSONValue> = [
            "BAD_REQUEST", "VALIDATION_ERROR", "MALFORMED_JSON", "INVALID_IDEMPOTENCY_KEY", "COMPUTE_RUNNING",
            "UNAUTHORIZED", "FORBIDDEN", "INSUFFICIENT_BALANCE", "TEAM_SUSPENDED", "TEAM_PAST_DUE",
            "TEAM_TERMINATED", "RESOURCE_NOT_FOUND", "CONFLICT", "UNPROCESSABLE_ENTITY", "TOO_MANY_REQUESTS",
            "INTERNAL_SERVER_ERROR",
        ].reduce(into: []) { $0.insert(.string($1)) }
        #expect(reference.isSubset(of: named))
    }

    @Test("a refusal's codes are ones of its status, and there is at least one")
    func codesOfStatus() {
        for operation in operations {
            for (status, response) in operation.responses where status >= "4" {
                let codes = codes(in: document.followed(response))
                #expect(!codes.isEmpty, "\(operation) \(status)")
                for code in codes {
                    let itsStatus = ErrorCode(rawValue: code).map { String($0.status.code) }
                    #expect(itsStatus == status, "\(operation) \(status): \(code)")
                }
            }
        }
    }

    @Test("each operation declares every status that it can answer with")
    func statuses() {
        for operation in operations {
            var needed: Set = ["400", "500", "503"]
            if !operation.isOpen { needed.formUnion(["401", "403"]) }
            if operation.path.contains("{") { needed.insert("404") }
            if operation.body != nil { needed.formUnion(["413", "415"]) }
            // Of JSON, members can be right each by itself and not together.
            if operation.body?["content"]?["application/json"] != nil { needed.insert("422") }
            let missing = needed.subtracting(operation.responses.keys)
            #expect(missing.isEmpty, "\(operation) can be answered with \(missing.sorted())")
            #expect(operation.responses.keys.contains { $0.hasPrefix("2") }, "\(operation)")
        }
    }

    @Test("each parameter has a description and a bound")
    func parameters() {
        for operation in operations {
            for parameter in operation.parameters {
                let name = "\(operation) \(parameter["name"]?.string ?? "")"
                #expect(parameter["description"]?.string?.isEmpty == false, "\(name)")
                #expect(unbounded(parameter["schema"] ?? .null, at: name) == [])
            }
        }
    }

    @Test("each text, number and list of a request's body has a bound, and the body an example")
    func bodies() {
        for operation in operations {
            guard let json = operation.body?["content"]?["application/json"] else { continue }
            #expect(unbounded(json["schema"] ?? .null, at: operation.description) == [])
            #expect(json["example"] ?? json["examples"] != nil, "\(operation)")
        }
    }

    @Test(
        "what has no bound is found",
        arguments: [
            #"{"type":"string"}"#, #"{"type":"integer","minimum":1}"#,
            #"{"type":"array","items":{"const":1}}"#,
            #"{"type":"array","maxItems":1,"items":{"type":"string"}}"#,
            #"{"properties":{"a":{"type":"number","minimum":1}}}"#,
            #"{"anyOf":[{"type":"string"}]}"#, #"{"type":["string","null"]}"#,
        ])
    func findsUnbounded(_ schema: String) throws {
        #expect(unbounded(try JSONValue(parsing: schema.utf8), at: "v").count == 1)
    }

    @Test("each link leads from an answer to an operation, by a parameter of that operation")
    func links() throws {
        let links = document.root.at(pointer: "/components/links")?.object ?? [:]
        #expect(!links.isEmpty)
        for (name, link) in links {
            let target = try #require(find(link["operationId"]?.string), "\(name)")
            for (parameter, expression) in link["parameters"]?.object ?? [:] {
                #expect(target.parameters.contains { $0["name"]?.string == parameter }, "\(name)")
                #expect(expression.string?.hasPrefix("$response.body#/data/") == true, "\(name)")
            }
        }
        let created = document.root.at(pointer: "/paths/~1computes/post/responses/202/links")?.object ?? [:]
        #expect(Set(created.keys).isSuperset(of: ["getCompute", "deleteCompute"]))
    }

    @Test("operation ids are unique")
    func operationIds() {
        let ids = document.operations.compactMap {
            document.root["paths"]?[$0.path]?[$0.method.lowercased()]?["operationId"]?.string
        }
        #expect(Set(ids).count == document.operations.count)
    }

    // MARK: Walks

    private func find(_ operationId: String?) -> DocumentedOperation? {
        document.operations.first {
            document.root["paths"]?[$0.path]?[$0.method.lowercased()]?["operationId"]?.string == operationId
        }.flatMap { found in operations.first { $0.description == found.description } }
    }

    /// The values that the schemas of the response allow as `code`, beside the list of all.
    private func codes(in response: JSONValue) -> [String] {
        let branches = response["content"]?["application/json"]?["schema"]?["allOf"]?.array ?? []
        return branches.compactMap { $0["properties"]?["code"] }.flatMap { schema -> [String] in
            schema["enum"]?.array?.compactMap(\.string) ?? [schema["const"]?.string].compactMap(\.self)
        }
    }

    /// Places in the schema that allow a text, number or list of any size.
    private func unbounded(_ schema: JSONValue, at place: String) -> [String] {
        let schema = document.followed(schema)
        if schema["const"] != nil || schema["enum"] != nil { return [] }
        let types = schema["type"]?.array?.compactMap(\.string) ?? [schema["type"]?.string].compactMap(\.self)
        let bounds = types.flatMap { type -> [String] in
            switch type {
            case "string": ["maxLength"]
            case "integer", "number": ["minimum", "maximum"]
            case "array": ["maxItems"]
            default: []
            }
        }
        let here = bounds.filter { schema[$0] == nil }.map { "\(place): no \($0)" }
        let inside =
            (schema["properties"]?.object ?? [:]).map { ("\(place).\($0)", $1) }
            + [schema["items"]].compactMap(\.self).map { ("\(place)[]", $0) }
            + ["anyOf", "oneOf", "allOf"].flatMap { (schema[$0]?.array ?? []).map { (place, $0) } }
        return here + inside.flatMap { unbounded($1, at: $0) }
    }
}
