import CloudControl
import CloudCore
import HTTPTypes
import Hummingbird

/// One endpoint.
struct Route: Sendable {
    typealias Handler = @Sendable (Request, CloudRequestContext) async throws -> Response

    var method: HTTPRequest.Method
    /// Below the base path, with `{name}` for a parameter, of which there is one at most.
    let path: String
    /// The path, base path included.
    let pattern: String
    /// Whether it answers without a key.
    var isPublic = false
    /// What of it a guest may have by its token.
    var guests = GuestAccess.none
    var handle: Handler

    init(
        method: HTTPRequest.Method, path: String, isPublic: Bool = false, guests: GuestAccess = .none,
        handle: @escaping Handler
    ) {
        self.method = method
        self.path = path
        pattern = Routes.basePath + path
        self.isPublic = isPublic
        self.guests = guests
        self.handle = handle
        segments = pattern.segments
        parameterIndex = segments.firstIndex { $0.first == UInt8(ascii: "{") }
    }

    /// Of the path, base path included.
    private let segments: [Substring.UTF8View]
    private let parameterIndex: Int?

    fileprivate var isLiteral: Bool { parameterIndex == nil }

    /// What stands in the place of the parameter in a path that this route serves; `nil` where it has none.
    func parameter(of path: String) -> String? {
        parameterIndex.map { String(Substring(path.segments[$0])) }
    }

    /// Whether the path of these segments, base path included, is one that this route serves.
    fileprivate func serves(_ theirs: [Substring.UTF8View]) -> Bool {
        segments.count == theirs.count
            && segments.indices.allSatisfy {
                $0 == parameterIndex || segments[$0].elementsEqual(theirs[$0])
            }
    }
}

extension String {
    /// What stands between the slashes.
    fileprivate var segments: [Substring.UTF8View] { utf8.split(separator: UInt8(ascii: "/")) }
}

extension [Route] {
    /// The routes for the path, base path included, one for each method.
    func serving(_ path: String) -> [Route] {
        let segments = path.segments
        let serving = filter { $0.serves(segments) }
        // A path without parameters hides one with.
        let literal = serving.filter(\.isLiteral)
        return literal.isEmpty ? serving : literal
    }

    /// The route that the request leads to; HEAD is answered as GET is. Every request asks, so nothing is collected: it is
    /// what `serving(path)` has for the method.
    func serving(_ request: Request) -> Route? {
        let method = request.method == .head ? .get : request.method
        let segments = request.uri.path.segments
        var found: Route?
        for route in self where route.serves(segments) {
            guard route.isLiteral else {
                if found == nil, route.method == method { found = route }
                continue
            }
            return first { $0.isLiteral && $0.method == method && $0.serves(segments) }
        }
        return found
    }
}

/// What of an endpoint a guest may have by its token. Whatever is not named here, it may not.
enum GuestAccess: Sendable, Equatable {
    case none
    /// What its handler answers, which is nothing of any team's.
    case all
    /// With the guest's own compute in `{id}`.
    case ownCompute
}

extension Route {
    /// The one place that decides what a guest may ask. Throws `FORBIDDEN` for an endpoint that is not for guests, and
    /// `RESOURCE_NOT_FOUND` for another compute.
    func admit(_ guest: Guest, to context: inout CloudRequestContext) throws(CloudError) {
        switch guests {
        case .none:
            throw CloudError(
                .forbidden,
                "A guest's token may not call \(method.rawValue) \(path): it reads its own compute, GET "
                    + "/computes/\(guest.computeId), and the catalogue. Use an API key of the team.")
        case .all: break
        case .ownCompute:
            let id = try context.requireId()
            guard id == guest.computeId else { throw GetCompute.notFound(id) }
        }
        context.guest = guest
    }
}

/// All endpoints. The OpenAPI document lists the same ones, and a test compares the two.
enum Routes {
    static let basePath = "/api/v1"

    static func all(_ cloud: Cloud) -> [Route] {
        ComputeRoutes(cloud: cloud).all + BillingRoutes(cloud: cloud).all
            + CatalogueRoutes(cloud: cloud).all + IdempotencyRoutes(cloud: cloud).all
            + EventRoutes(cloud: cloud).all
            + TeamRoutes(cloud: cloud).all
            + SystemRoutes(cloud: cloud).all
    }
}
