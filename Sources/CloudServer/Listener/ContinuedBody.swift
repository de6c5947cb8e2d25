import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// The body of a request whose client waits for a 100 before it sends it: the first read of the body asks for the 100, so a
/// request that is refused by its head alone gets none.
struct ContinuedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private let body: RequestBody
    private let channel: any Channel

    /// The request, with such a body where its client expects a 100. GET and HEAD are left alone: nobody reads their bodies,
    /// and a stream of events needs the body that came.
    static func request(_ request: Request, on channel: any Channel) -> Request {
        guard request.method != .get, request.method != .head, HeadRules.expectsContinue(request.head) else {
            return request
        }
        var request = request
        request.body = RequestBody(asyncSequence: ContinuedBody(body: request.body, channel: channel))
        return request
    }

    func makeAsyncIterator() -> Iterator { Iterator(body: body.makeAsyncIterator(), channel: channel) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate var body: RequestBody.AsyncIterator
        fileprivate var channel: (any Channel)?

        mutating func next() async throws -> ByteBuffer? {
            channel?.triggerUserOutboundEvent(RequestGuard.Continue(), promise: nil)
            channel = nil
            return try await body.next()
        }
    }
}
