import Foundation

/// One request and its answer, as they went over the wire.
public struct OpenAPIExchange: Sendable {
    public var method: String
    /// With its query, as in the request line: `/api/v1/computes?page=2`.
    public var target: String
    public var requestHeaders: [(name: String, value: String)]
    public var requestBody: [UInt8]
    public var status: Int
    public var responseHeaders: [(name: String, value: String)]
    public var responseBody: [UInt8]

    public init(
        method: String, target: String, requestHeaders: [(name: String, value: String)] = [],
        requestBody: [UInt8] = [], status: Int, responseHeaders: [(name: String, value: String)],
        responseBody: [UInt8]
    ) {
        self.method = method
        self.target = target
        self.requestHeaders = requestHeaders
        self.requestBody = requestBody
        self.status = status
        self.responseHeaders = responseHeaders
        self.responseBody = responseBody
    }

    /// The target without its query.
    var path: String { String(target.prefix { $0 != "?" }) }

    /// The query's parameters, percent-decoded where that is possible.
    var query: [(name: String, value: String)] {
        guard let mark = target.firstIndex(of: "?") else { return [] }
        return target[target.index(after: mark)...].split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]) : ""
            return (decoded(String(parts[0])), decoded(value))
        }
    }

    func requestHeader(_ name: String) -> String? { Self.value(name, in: requestHeaders) }
    func responseHeader(_ name: String) -> String? { Self.value(name, in: responseHeaders) }

    private static func value(_ name: String, in headers: [(name: String, value: String)]) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    private func decoded(_ text: String) -> String { text.removingPercentEncoding ?? text }
}
