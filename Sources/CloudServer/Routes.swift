import CloudControl
import HTTPTypes
import HummingbirdCore

/// All endpoints of the API. The OpenAPI document lists the same ones, and a test compares the two.
enum Routes {
    static let basePath = "/api/v1"

    /// Requests with `wait` that can be under way. No team has more than a quarter of them.
    static let maxWaits = Places.Limits(perKey: 16, perTeam: 50, inAll: 200)

    static func all(_ cloud: Cloud) -> [Route] {
        let waits = Places("requests that wait", maxWaits)
        return ComputeRoutes(cloud: cloud, waits: waits).all + SnapshotRoutes(cloud: cloud, waits: waits).all
            + ImageRoutes(cloud: cloud, waits: waits).all + BillingRoutes(cloud: cloud).all
            + CatalogueRoutes(cloud: cloud).all + IdempotencyRoutes(cloud: cloud).all
            + EventRoutes(cloud: cloud).all
            + TeamRoutes(cloud: cloud).all
            + SystemRoutes(cloud: cloud).all
    }
}

extension [Route] {
    /// The routes for the path, one for each method.
    func serving(_ path: String) -> [Route] {
        let segments = path.segments
        let serving = filter { $0.path.serves(segments) }
        let best = serving.map(\.path.exactness.rawValue).min()
        return serving.filter { $0.path.exactness.rawValue == best }
    }

    /// The route that a request leads to; HEAD is answered as GET is. Every request asks, so nothing is collected: it is
    /// what `serving(path)` has for the method.
    func serving(_ method: HTTPRequest.Method, _ path: String) -> Route? {
        let method = method == .head ? .get : method
        let segments = path.segments
        var (found, best) = (Route?.none, Int.max)
        for route in self where route.path.serves(segments) {
            let exactness = route.path.exactness.rawValue
            if exactness < best { (found, best) = (nil, exactness) }
            guard exactness == best, found == nil, route.method == method else { continue }
            if route.path.exactness == .literal { return route }
            found = route
        }
        return found
    }

    /// The body of the request with the head, if it is one that is handed on as it comes.
    func upload(of head: HTTPRequest) -> UploadBody? {
        guard case .upload(let body) = serving(head.method, URI(head.path ?? "").path)?.body else {
            return nil
        }
        return body
    }
}
