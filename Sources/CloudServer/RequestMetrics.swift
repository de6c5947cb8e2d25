import CloudCore
import CloudMetrics

/// What the HTTP side counts. Its labels hold route patterns and known methods alone, never what a client wrote.
public struct RequestMetrics: Sendable {
    private let duration = Histogram(
        "strettch_http_request_duration_seconds",
        help: "From a request's head to the head of its answer.", labels: ["method", "route", "status"],
        bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60])
    private let rateLimited = Counter(
        "strettch_http_rate_limited_total", help: "Requests that were turned away by a rate limit.")
    private let refused = Counter(
        "strettch_http_refused_total",
        help: "What never became a request: late, too large, or no HTTP.", labels: ["status"])
    let inFlight = Level("strettch_http_requests_in_flight", help: "Requests that wait for their answer.")

    /// The route of a request that no route serves.
    static let noRoute = "none"
    private static let methods: Set = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    public init() {}

    /// - Parameter route: the pattern of the endpoint, such as `/api/v1/computes/{id}`; `nil`: there is none.
    func answered(method: String, route: String?, status: Int, after duration: Duration) {
        let method = Self.methods.contains(method) ? method : "OTHER"
        self.duration.observe(duration, method, route ?? Self.noRoute, "\(status)")
        if status == 429 { rateLimited.add() }
    }

    func refused(status: Int) { refused.add(1, "\(status)") }

    public var families: [MetricFamily] {
        [
            duration.counter("strettch_http_requests_total", help: "Requests that were answered."),
            duration.family,
            inFlight.family, rateLimited.family, refused.family,
        ]
    }
}
