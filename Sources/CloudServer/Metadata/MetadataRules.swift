import CloudCore
import HTTPTypes
import Hummingbird

/// Who may ask the metadata service at all, and how often.
struct MetadataRules: Sendable {
    let clock: any CloudClock
    let rate = GuestRate()

    /// Marks of a proxy in between: somebody inside of the guest could be tricked to ask for another (SSRF).
    private static let proxyMarks: [HTTPField.Name] = [.forwarded, .forwardedFor, .via]

    /// Counts the request, and throws what it is refused with.
    func check(_ request: Request, _ context: CloudRequestContext) throws(CloudError) {
        if let peer = context.peer.ipv4Address {
            context.trace.note(address: peer)
            try rate.count(peer, nowMs: clock.nowMs)
        }
        guard request.method == .get || request.method == .head else {
            throw CloudError(
                .methodNotAllowed, "\(request.method.rawValue.shown) is not taken here. Use GET.")
        }
        guard !Self.hasBody(request) else {
            throw CloudError(.payloadTooLarge, "A request for metadata has no body. Send none.")
        }
        if let mark = Self.proxyMarks.first(where: { request.headers[$0] != nil }) {
            throw CloudError(
                .forbidden, "The request has the header \(mark.rawName), so it came by a proxy. Ask directly."
            )
        }
        // A page in a guest's browser could reach us under a name of its own (DNS rebinding).
        let hosts = ["\(IPv4Endpoint.wellKnownMetadata.address)", "\(IPv4Endpoint.wellKnownMetadata)"]
        if let host = request.head.authority, !hosts.contains(host) {
            throw CloudError(
                .forbidden,
                "The Host '\(host.shown)' is not ours. Ask http://\(hosts[0])\(MetadataServer.basePath)/.")
        }
    }

    static func hasBody(_ request: Request) -> Bool {
        request.headers[.transferEncoding] != nil || (request.headers[.contentLength] ?? "0") != "0"
    }
}
