import Hummingbird
import HummingbirdCore
import NIOCore

/// What a client may cost before it has shown a key. The requests themselves are bounded where they are read.
/// docs/limits.md lists all of it for operators.
public struct ListenerLimits: Sendable {
    /// Connections at once, and requests under way. For one more the connection is closed that has waited longest for a
    /// request, so a new client always gets in; it is turned away only while all of them have requests under way.
    public var connections: Int
    /// Connections of one peer, which is an IPv4 address or the 64 bits of an IPv6 network; and its requests under way where
    /// one connection has many (HTTP/2, a trusted proxy). 200 browsers with six connections each fit by default.
    public var perPeer: Int
    /// Connections of all peers of one group: an IPv6 site, or a team's guests at the metadata service.
    public var perGroup: Int
    /// From the start of a connection until TLS is agreed on, and from then until the first byte of a request.
    public var opening = TimeAmount.seconds(10)
    /// From the first byte of a request to its last. A client that sends a byte a second ends here.
    public var request = TimeAmount.seconds(30)
    /// Between two requests on one connection.
    public var idle = TimeAmount.seconds(75)
    /// An answer under way of which nothing moves for so long is given up: its handler or its reader hangs. Longer than any
    /// wait that the API offers, and than the pause between two signs of life of a stream of events.
    public var stalled = TimeAmount.seconds(120)
    /// A connection whose client takes none of the bytes that wait for it is closed after so long.
    public var unread = TimeAmount.seconds(30)
    /// Bytes a second that a client must take on average, while any wait for it, after the first `unread`.
    public var slowestReader = 16384
    /// Bytes of answers that may wait for the client of one connection; more requests on it are refused until it has read.
    public var unreadPerConnection = 4 << 20
    /// Bytes of answers that may wait for all clients; the connection with the most of them is closed for more.
    public var unreadInAll = 64 << 20
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
    /// Connections that the kernel keeps until they are accepted.
    public var backlog = 1024

    /// - Parameter connections: 1 or more. A peer may have 5 of 16, a group twice as many.
    public init(connections: Int = 4096) {
        self.connections = connections
        perPeer = max(1, connections * 5 / 16)
        perGroup = max(1, connections * 5 / 8)
    }

    var decoder: HTTP1Channel.Configuration.DecoderConfiguration {
        .init(maxHeaderFieldSize: headerField, maxHeaderListSize: header, maxHeaderFieldCount: headerFields)
    }
}
