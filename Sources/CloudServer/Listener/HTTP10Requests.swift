import NIOCore
import NIOHTTP1

/// Makes of a request of HTTP/1.0 what its rules are on HTTP/1.1, since all that follows knows that version alone: it needs no
/// Host (RFC 9112, section 3.2), and an expectation means nothing (RFC 9110, section 10.1.1).
final class HTTP10Requests: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private static let noHost = "localhost"

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.version == .http1_0 else {
            return context.fireChannelRead(data)
        }
        head.headers.remove(name: "Expect")
        if !head.headers.contains(name: "Host") { head.headers.add(name: "Host", value: Self.noHost) }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
