import CloudControl
import CloudCore
import HTTPTypes
import Hummingbird

/// One endpoint: a method and paths, who may use it, what body its requests have, and what answers them.
struct Route: Sendable {
    typealias Handler = @Sendable (Request, CloudRequestContext) async throws -> Response

    let method: HTTPRequest.Method
    let path: PathPattern
    let access: RouteAccess
    let body: RouteBody
    /// Whether its parameter is a compute's id, for the log.
    let isOfCompute: Bool
    let handle: Handler

    /// - Parameter path: the whole path, as a `PathPattern`.
    init(
        _ method: HTTPRequest.Method, _ path: String, access: RouteAccess, body: RouteBody = .none,
        handle: @escaping Handler
    ) {
        self.method = method
        self.path = PathPattern(path)
        self.access = access
        self.body = body
        self.handle = handle
        isOfCompute = path.hasPrefix("\(Routes.basePath)/computes/{id}")
    }

    /// An endpoint of the API.
    /// - Parameter path: below the base path.
    static func api(
        _ method: HTTPRequest.Method, _ path: String, access: RouteAccess = .key(guests: .none),
        body: RouteBody = .none, handle: @escaping Handler
    ) -> Route {
        Route(method, Routes.basePath + path, access: access, body: body, handle: handle)
    }
}

/// Who may use an endpoint.
enum RouteAccess: Sendable, Equatable {
    /// Anybody.
    case anyone
    /// Whoever has an API key; and a guest by its token, as far as it says.
    case key(guests: GuestAccess)
    /// The guest that has the address which the request comes from.
    case guestAddress
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
    /// Whether a guest has any use of it.
    var isForGuests: Bool { access != .key(guests: .none) }

    /// The one place that decides what a guest may ask by its token. Throws `FORBIDDEN` for an endpoint that is not for
    /// guests, and `RESOURCE_NOT_FOUND` for another compute.
    func admit(_ guest: Guest, to context: inout CloudRequestContext) throws(CloudError) {
        guard case .key(let guests) = access else { throw CloudError.bug("a token where none is looked at") }
        switch guests {
        case .none:
            throw CloudError(
                .forbidden,
                "A guest's token may not call \(method.rawValue) \(path.text.dropFirst(Routes.basePath.count)): it reads "
                    + "its own compute, GET /computes/\(guest.computeId), and the catalogue. Use an API key of the team."
            )
        case .all: break
        case .ownCompute:
            let id = try context.requireId()
            guard id == guest.computeId else { throw GetCompute.notFound(id) }
        }
        context.guest = guest
    }
}
