import CloudControl
import HTTPTypes
import Hummingbird

/// One endpoint.
struct Route: Sendable {
    typealias Handler = @Sendable (Request, CloudRequestContext) async throws -> Response

    var method: HTTPRequest.Method
    /// Below the base path, with `{name}` for a parameter.
    var path: String
    /// Whether it answers without a key.
    var isPublic = false
    var handle: Handler

    /// Whether `path`, base path included, is one that this route serves.
    func serves(_ path: Substring) -> Bool {
        let mine = (Routes.basePath + self.path).split(separator: "/")
        let theirs = path.split(separator: "/")
        return mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}

/// All endpoints. The OpenAPI document lists the same ones, and a test compares the two.
enum Routes {
    static let basePath = "/api/v1"

    static func all(_ cloud: Cloud) -> [Route] {
        ComputeRoutes(cloud: cloud).all + EventRoutes(cloud: cloud).all + CatalogueRoutes(cloud: cloud).all
            + SystemRoutes(cloud: cloud).all
    }
}
