import CloudControl
import CloudCore
import FoundationEssentials
import Hummingbird

/// What is known of a request while it is served.
public struct CloudRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// UUID in the answer, its header and the log.
    public let requestId: String
    /// Set before a handler of an authenticated route runs.
    var caller: Caller?

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        requestId = UUID().uuidString.lowercased()
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

    /// The number in a text of at most 18 decimal digits, as our ids are.
    static func id(_ text: String) -> Int64? {
        (1...18).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) }
            ? Int64(text) : nil
    }
}
