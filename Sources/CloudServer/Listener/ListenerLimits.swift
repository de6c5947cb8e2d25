import Hummingbird
import HummingbirdCore
import NIOCore

/// What a client may cost before it has shown a key. The requests themselves are bounded where they are read.
public struct ListenerLimits: Sendable {
    /// Connections at once. More wait in the kernel's queue until one ends, which takes an idle one `idle` at most: they
    /// cost nothing there, and a client that waits a moment is better off than one that is turned away.
    public var connections = 512
    /// From the first byte of a request, or of a connection, to its last. A client that sends a byte a second ends here.
    public var request = TimeAmount.seconds(30)
    /// Between two requests on one connection.
    public var idle = TimeAmount.seconds(75)
    /// An answer under way of which nothing moves for so long is given up: its reader hangs. Longer than any wait that
    /// the API offers, and than the pause between two signs of life of a stream of events.
    public var stalled = TimeAmount.seconds(120)
    /// How long a connection whose request was refused stays open for the client to read why.
    public var linger = TimeAmount.seconds(2)
    /// How long requests under way may take to end at a shutdown; then they are cancelled. Shorter than the time that the
    /// whole server has.
    public var drain = Duration.seconds(10)
    /// Bytes of the request line's target, or of one header field.
    public var headerField = 8192
    /// Bytes of the request line's target and all header fields. HTTP/2 has the same bound.
    public var header = 16384
    /// Header fields of a request.
    public var headerFields = 100
    /// Connections that the kernel keeps waiting.
    public var backlog = 256

    public init() {}

    var decoder: HTTP1Channel.Configuration.DecoderConfiguration {
        .init(maxHeaderFieldSize: headerField, maxHeaderListSize: header, maxHeaderFieldCount: headerFields)
    }
}
