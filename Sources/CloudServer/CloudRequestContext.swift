import CloudControl
import CloudCore
import CloudWire
import Hummingbird
import Logging

/// What is known of a request while it is served.
public struct CloudRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// UUID in the answer, its header and the log.
    public let requestId: String
    /// What the request's line in the log says besides, for the outermost layer to see.
    let trace = RequestTrace()
    /// Whom the request counts for.
    var peer: Peer
    /// Who sent it; `nil` for a unix socket.
    let address: NetworkAddress?
    /// What stands in the place of the route's `{…}`; empty where it has none.
    var parameter = ""
    /// What body the route's requests have.
    var body = RouteBody.none
    /// Set before a handler of an authenticated route runs, unless `guest` is.
    var caller: Caller?
    /// Set before a handler of a route that is open to guests runs for one.
    var guest: Guest?

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = NetworkAddress(source.channel.remoteAddress)
        peer = address?.peer ?? .local
        requestId = RequestId.make()
    }

    /// The logger for what is said of this request. Few requests have anything logged of them, so it is made then.
    var log: Logger {
        var log = logger
        // Ours is the one that the client sees.
        log[metadataKey: "hb.request.id"] = nil
        log[metadataKey: "requestId"] = "\(requestId)"
        return log
    }

    /// The caller, in a handler of an authenticated route.
    func requireCaller() throws(CloudError) -> Caller {
        guard let caller else { throw CloudError.bug("a handler asked for the caller of a public route") }
        return caller
    }

    /// The members of the request's body, in a handler of a route with a JSON body. Throws what `JSONBody` throws.
    func members(of request: Request) async throws -> [String: JSONValue] {
        guard case .json(let body) = body else {
            throw CloudError.bug("a handler asked for the JSON of a route without")
        }
        return try await body.members(of: request)
    }

    /// The route's parameter as an id. Throws `BAD_REQUEST` unless it is a decimal number as our ids are.
    /// - Parameter noun: what it is the id of.
    func requireId(_ noun: String = "compute") throws(CloudError) -> Int64 {
        guard let id = Self.id(parameter) else {
            throw CloudError(
                .badRequest, "'\(parameter.shown)' is no \(noun) id. Send the decimal id, such as 325.",
                problems: [Problem("id", "'\(parameter.shown)' is no decimal number of at most 18 digits.")])
        }
        return id
    }

    /// A decimal number of at most 18 digits, as our ids are; `nil` for anything else.
    static func id(_ text: String) -> Int64? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }
}
