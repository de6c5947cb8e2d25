import CloudMetrics

/// What is counted at the link, on either side.
public struct LinkMetrics: Sendable {
    /// Why a connection or a request was refused.
    enum Refusal: String, CaseIterable {
        /// A certificate that the database does not name.
        case stranger
        /// No certificate, no TLS 1.3, nothing at all, or a request that is none.
        case malformed
        /// More connections or requests than there may be.
        case noRoom
        /// A request that this kind of program may not make.
        case forbidden
        /// It was connected, and the database names it no more.
        case removed
    }

    private let answered = Counter(
        "strettch_link_requests_total", help: "Requests of other programs of the cell.",
        labels: ["request", "outcome"])
    private let refused = Counter(
        "strettch_link_refused_total", help: "Connections and requests of other programs that were refused.",
        labels: ["reason"])
    private let asked = Counter(
        "strettch_link_asked_total", help: "Requests to other hosts of the cell.",
        labels: ["request", "outcome"])

    public init() {}

    func answer(_ request: String, _ outcome: String) { answered.add(1, request, outcome) }

    func refuse(_ reason: Refusal) { refused.add(1, reason.rawValue) }

    func ask(_ request: String, _ outcome: String) { asked.add(1, request, outcome) }

    public var families: [MetricFamily] { [answered.family, refused.family, asked.family] }
}
