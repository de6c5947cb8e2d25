import CloudControl
import CloudCore
import FoundationEssentials
import Hummingbird
import NIOCore

/// What is known of a request while it is served.
public struct CloudRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// UUID in the answer, its header and the log.
    public let requestId: String
    /// The other end of the connection; `nil` where it has no IPv4 address.
    let peer: IPv4Address?
    /// Set before a handler of an authenticated route runs, unless `guest` is.
    var caller: Caller?
    /// Set before a handler of a route that is open to guests runs for one.
    var guest: Guest?

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        requestId = UUID().uuidString.lowercased()
        peer = source.channel.remoteAddress?.ipAddress.flatMap { IPv4Address($0) }
    }

    /// The caller, in a handler of an authenticated route.
    func requireCaller() throws(CloudError) -> Caller {
        guard let caller else { throw CloudError.bug("a handler asked for the caller of a public route") }
        return caller
    }

    /// The `{id}` of the path. Throws `BAD_REQUEST` unless it is a decimal number as our ids are.
    func requireId() throws(CloudError) -> Int64 {
        let text = parameters.get("id") ?? ""
        guard let id = Self.id(text) else {
            throw CloudError(
                .badRequest, "'\(text.shown)' is no compute id. Send the decimal id, such as 325.",
                problems: [Problem("id", "'\(text.shown)' is no decimal number of at most 18 digits.")])
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
