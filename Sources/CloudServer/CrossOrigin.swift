import CloudCore
import HTTPTypes
import Hummingbird

/// The pages of other origins that may read the API's answers in a browser: the setting `corsOrigins` (WHATWG Fetch, "CORS
/// protocol"). Keys go in a header that a page sets itself, so never with credentials of the browser's own.
public struct CrossOrigin: Sendable, Equatable, CustomStringConvertible {
    /// `nil`: every origin.
    private let origins: Set<String>?

    /// Seconds that a browser remembers the answer to a preflight.
    static let maxAge = "600"
    static let requestHeaders = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
    static let exposedHeaders =
        "x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, Idempotent-Replayed, Retry-After, X-Request-Id"

    /// Reads `*`, or comma-separated origins as browsers send them, such as `https://console.example:8443`; `nil` when an
    /// entry is none.
    public init?(_ text: String) {
        guard text != "*" else {
            origins = nil
            return
        }
        let entries = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
        guard entries.allSatisfy(Self.isOrigin) else { return nil }
        origins = Set(entries)
    }

    public var description: String { origins.map { $0.sorted().joined(separator: ",") } ?? "*" }

    /// `scheme://host[:port]` in lower case, as browsers serialise it: no path, no slash, no standard port.
    private static func isOrigin(_ text: String) -> Bool {
        let schemes = ["http://": ":80", "https://": ":443"]
        guard let (scheme, port) = schemes.first(where: { text.hasPrefix($0.key) }) else { return false }
        let authority = String(text.dropFirst(scheme.count))
        return HeadRules.isAuthority(authority) && authority.lowercased() == authority
            && !authority.hasSuffix(port) && authority.last != ":" && !authority.contains("*")
    }

    /// Lets the browser show the answer to the page that asked, if its origin may see it.
    func stamp(_ request: Request, _ headers: inout HTTPFields) {
        // Caches keep what one origin got from another.
        if origins != nil { headers[values: .vary].append("Origin") }
        guard let origin = request.headers[.origin], allows(origin) else { return }
        headers[.accessControlAllowOrigin] = origins == nil ? "*" : origin
        headers[.accessControlExposeHeaders] = Self.exposedHeaders
    }

    /// The answer to a browser that asks whether a page may send a request; `nil` when that is not what is asked.
    /// - Parameter methods: of the endpoint; none where there is no such endpoint.
    func preflight(_ request: Request, methods: [HTTPRequest.Method]) -> Response? {
        guard request.method == .options, !methods.isEmpty,
            request.headers[.accessControlRequestMethod] != nil,
            let origin = request.headers[.origin], allows(origin)
        else { return nil }
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: methods.map(\.rawValue).joined(separator: ", "),
                .accessControlAllowHeaders: Self.requestHeaders, .accessControlMaxAge: Self.maxAge,
            ])
    }

    private func allows(_ origin: String) -> Bool { origins?.contains(origin) ?? true }
}
