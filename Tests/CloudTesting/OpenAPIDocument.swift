import CloudWire
import Foundation

/// The API's contract, to check exchanges against.
///
/// An answer must be declared in full: status, headers, content type and every member of its body. A request that was
/// accepted (2xx) must satisfy what the document asks of requests, or the document promises too little.
public struct OpenAPIDocument: Sendable {
    /// Why a document can't be used: all faults, one a line.
    public struct Unusable: Error, CustomStringConvertible {
        public var faults: [String]
        public var description: String { faults.joined(separator: "\n") }
    }

    /// An operation of the document: its method and its path template below the server's url.
    public struct Operation: Sendable, Hashable, CustomStringConvertible {
        public var method: String
        public var path: String

        public init(method: String, path: String) {
            self.method = method
            self.path = path
        }

        public var description: String { "\(method) \(path)" }
    }

    /// Headers that HTTP itself or a server's framework adds, which the document need not declare.
    public static let commonHeaders: Set<String> = [
        "connection", "content-length", "content-type", "date", "keep-alive", "server", "transfer-encoding",
    ]

    let root: JSONValue
    let checker: SchemaChecker
    /// Path of the first server's url: `/api/v1`.
    public let basePath: String

    /// Throws `Unusable` for a text that is no OpenAPI 3.1 document or uses keywords that are not checked here.
    public init(parsing bytes: some Sequence<UInt8>) throws {
        root = try JSONValue(parsing: bytes)
        checker = SchemaChecker(root: root)
        basePath = root["servers"]?.array?.first?["url"]?.string ?? ""
        let faults = OpenAPIDocumentFaults.find(in: root)
        guard faults.isEmpty else { throw Unusable(faults: faults) }
    }

    /// All operations, in no particular order.
    public var operations: Set<Operation> {
        let paths = root["paths"]?.object ?? [:]
        return Set(
            paths.flatMap { path, item in
                OpenAPIDocumentFaults.methods.filter { item[$0] != nil }.map {
                    Operation(method: $0.uppercased(), path: path)
                }
            })
    }

    /// The media types of the body that the operation's requests have; empty where it has none.
    public func bodyTypes(of operation: Operation) -> Set<String> {
        let operation = root["paths"]?[operation.path]?[operation.method.lowercased()]
        let body = operation?["requestBody"].map(followed)
        return Set(body?["content"]?.object?.keys.map(\.self) ?? [])
    }

    /// What is wrong with an exchange. Empty when it keeps the contract.
    public func check(_ exchange: OpenAPIExchange) -> [String] {
        let problems: [String]
        switch find(exchange) {
        case .unknownPath: problems = checkRefusal(exchange, status: 404, response: "NotFound")
        case .unknownMethod: problems = checkRefusal(exchange, status: 405, response: "MethodNotAllowed")
        case .operation(let operation, let item, let pathValues):
            let accepted = (200..<300).contains(exchange.status)
            let parameters = parameters(of: operation, item: item)
            problems =
                checkResponse(exchange, declared: operation["responses"]?[String(exchange.status)])
                + (accepted
                    ? checkRequest(exchange, operation, parameters: parameters, pathValues: pathValues) : [])
        }
        return problems.map { "\(exchange.method) \(exchange.target) → \(exchange.status): \($0)" }
    }

    private enum Found {
        case unknownPath, unknownMethod
        case operation(JSONValue, item: JSONValue, pathValues: [String: String])
    }

    /// A path without parameters wins over one with them (OpenAPI 3.1, "Path Templating Matching").
    private func find(_ exchange: OpenAPIExchange) -> Found {
        guard exchange.path.hasPrefix(basePath + "/") else { return .unknownPath }
        let path = String(exchange.path.dropFirst(basePath.count))
        let candidates = (root["paths"]?.object ?? [:]).compactMap { template, item in
            Self.match(path, template: template).map { (item: item, values: $0) }
        }
        guard let best = candidates.min(by: { $0.values.count < $1.values.count }) else {
            return .unknownPath
        }
        guard let operation = best.item[exchange.method.lowercased()] else { return .unknownMethod }
        return .operation(operation, item: best.item, pathValues: best.values)
    }

    /// The values of the template's parameters, or `nil` when the path does not fit it.
    private static func match(_ path: String, template: String) -> [String: String]? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let templateParts = template.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == templateParts.count else { return nil }
        var values: [String: String] = [:]
        for (part, expected) in zip(parts, templateParts) {
            if expected.hasPrefix("{") && expected.hasSuffix("}") {
                guard !part.isEmpty else { return nil }
                values[String(expected.dropFirst().dropLast())] = part.removingPercentEncoding ?? String(part)
            } else if part != expected {
                return nil
            }
        }
        return values
    }

    /// A request that the document does not know is refused with the shared response of that name.
    private func checkRefusal(_ exchange: OpenAPIExchange, status: Int, response: String) -> [String] {
        // Whoever asks too often is told so before anything else.
        if exchange.status == 429 { return checkRefusal(exchange, response: "TooManyRequests") }
        guard exchange.status == status else {
            return ["the document does not know this operation, so the answer should be \(status)"]
        }
        return checkRefusal(exchange, response: response)
    }

    private func checkRefusal(_ exchange: OpenAPIExchange, response: String) -> [String] {
        checkResponse(exchange, declared: root["components"]?["responses"]?[response])
    }

    private func parameters(of operation: JSONValue, item: JSONValue) -> [JSONValue] {
        ((item["parameters"]?.array ?? []) + (operation["parameters"]?.array ?? [])).map(followed)
    }

    /// The value itself, or what it refers to.
    func followed(_ value: JSONValue) -> JSONValue {
        guard let reference = value["$ref"] else { return value }
        return checker.resolve(reference) ?? value
    }
}
