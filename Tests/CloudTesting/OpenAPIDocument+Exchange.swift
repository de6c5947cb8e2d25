import CloudWire
import Foundation

/// The two halves of an exchange.
extension OpenAPIDocument {
    func checkResponse(_ exchange: OpenAPIExchange, declared: JSONValue?) -> [String] {
        guard let response = declared.map(followed) else { return ["the status is not declared"] }
        return checkResponseHeaders(exchange, declared: response["headers"]?.object ?? [:])
            + checkResponseBody(exchange, declared: response["content"]?.object ?? [:])
    }

    func checkRequest(
        _ exchange: OpenAPIExchange, _ operation: JSONValue, parameters: [JSONValue],
        pathValues: [String: String]
    ) -> [String] {
        let faults = parameters.flatMap { checkParameter($0, of: exchange, pathValues: pathValues) }
        let body = operation["requestBody"].map { checkRequestBody(exchange, declared: followed($0)) } ?? []
        return (checkSecurity(exchange, operation) + faults + body).map {
            "accepted although the request is outside of the contract: \($0)"
        }
    }

    // MARK: Response

    private func checkResponseHeaders(_ exchange: OpenAPIExchange, declared: [String: JSONValue]) -> [String]
    {
        let names = Set(declared.keys.map { $0.lowercased() }).union(Self.commonHeaders)
        let undeclared = exchange.responseHeaders.filter { !names.contains($0.name.lowercased()) }
        let faults = declared.sorted { $0.key < $1.key }.flatMap { name, header -> [String] in
            let header = followed(header)
            guard let text = exchange.responseHeader(name) else {
                return header["required"] == .bool(true) ? ["header \(name): is missing"] : []
            }
            return checkText(text, schema: header["schema"], at: "header \(name)")
        }
        return undeclared.map { "header \($0.name): is not declared" } + faults
    }

    private func checkResponseBody(_ exchange: OpenAPIExchange, declared: [String: JSONValue]) -> [String] {
        guard !declared.isEmpty else {
            return exchange.responseBody.isEmpty ? [] : ["body: there is one, and none is declared"]
        }
        let type = Self.mediaType(exchange.responseHeader("content-type"))
        if type == "text/event-stream", let media = declared[type] {
            return checkEventStream(exchange.responseBody, media)
        }
        let body = try? JSONValue(parsing: exchange.responseBody)  // no JSON has no id
        return checkBody(exchange.responseBody, type, declared)
            + (body.map { checkRequestId(exchange, body: $0) } ?? [])
    }

    /// The id in the header is the id in the body, except in a replay, whose body is that of another request.
    private func checkRequestId(_ exchange: OpenAPIExchange, body: JSONValue) -> [String] {
        guard exchange.responseHeader("Idempotent-Replayed") == nil,
            let inBody = body["requestId"]?.string, let inHeader = exchange.responseHeader("X-Request-Id"),
            inBody != inHeader
        else { return [] }
        return ["header X-Request-Id: \(inHeader) is not the body's requestId \(inBody)"]
    }

    // MARK: Request

    private func checkSecurity(_ exchange: OpenAPIExchange, _ operation: JSONValue) -> [String] {
        let schemes = (operation["security"] ?? root["security"])?.array ?? []
        guard !schemes.isEmpty else { return [] }
        let authorization = exchange.requestHeader("Authorization") ?? ""
        return SchemaText.matches(authorization, pattern: "^[Bb]earer +[^ ]+$")
            ? [] : ["header Authorization: is no bearer key"]
    }

    private func checkParameter(
        _ parameter: JSONValue, of exchange: OpenAPIExchange, pathValues: [String: String]
    ) -> [String] {
        let name = parameter["name"]?.string ?? ""
        let place = "\(parameter["in"]?.string ?? "") parameter \(name)"
        let values: [String]
        switch parameter["in"]?.string {
        case "path": values = [pathValues[name]].compactMap(\.self)
        case "query": values = exchange.query.filter { $0.name == name }.map(\.value)
        case "header": values = [exchange.requestHeader(name)].compactMap(\.self)
        default: return ["\(place): this kind of parameter is not checked"]
        }
        if values.isEmpty { return parameter["required"] == .bool(true) ? ["\(place): is missing"] : [] }
        if followed(parameter["schema"] ?? .null)["type"] == .string("array") {
            return checker.problems(
                .array(values.map { .string($0) }), schema: parameter["schema"] ?? .bool(true), at: place)
        }
        if values.count > 1 { return ["\(place): is given \(values.count) times"] }
        return checkText(values[0], schema: parameter["schema"], at: place)
    }

    private func checkRequestBody(_ exchange: OpenAPIExchange, declared: JSONValue) -> [String] {
        if exchange.requestBody.isEmpty {
            return declared["required"] == .bool(true) ? ["body: is missing"] : []
        }
        let type = Self.mediaType(exchange.requestHeader("content-type"))
        return checkBody(exchange.requestBody, type, declared["content"]?.object ?? [:])
    }

    // MARK: Both

    /// A body of one of the declared media types: JSON by its schema, a text as a string, any other by its number of bytes.
    private func checkBody(_ bytes: [UInt8], _ type: String, _ declared: [String: JSONValue]) -> [String] {
        guard let media = declared[type] else { return ["header content-type: \(type) is not declared"] }
        let schema = media["schema"] ?? .bool(true)
        switch MediaKind(type) {
        case .json:
            guard let body = try? JSONValue(parsing: bytes) else { return ["body: is no JSON"] }  // reported
            return checker.problems(body, schema: schema, at: "body")
        case .text:
            guard let text = String(validating: bytes, as: UTF8.self) else { return ["body: is no UTF-8"] }
            return checker.problems(.string(text), schema: schema, at: "body")
        case .bytes:
            let most = followed(schema)["maxLength"]?.number
            return most.map { Double(bytes.count) > $0 } == true
                ? ["body: has \(bytes.count) bytes, more than maxLength"] : []
        }
    }

    /// A parameter's or header's text as the type that its schema asks for.
    private func checkText(_ text: String, schema: JSONValue?, at place: String) -> [String] {
        let schema = schema ?? .bool(true)
        let isInteger = followed(schema)["type"] == .string("integer")
        guard isInteger, SchemaText.matches(text, pattern: "^-?[0-9]{1,15}$"), let number = Int64(text)
        else {
            return checker.problems(.string(text), schema: schema, at: place)
        }
        return checker.problems(.integer(number), schema: schema, at: place)
    }

    /// The type without its parameters, in lower case; `none` without a header.
    private static func mediaType(_ header: String?) -> String {
        guard let header else { return "none" }
        return header.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
    }
}
