import NIOCore
import NIOHTTP1

/// What a program takes from others at its link, and waits for. docs/limits.md lists it for operators.
public struct LinkLimits: Sendable {
    /// Connections at once, each of which has one request.
    public var connections = 256
    /// Connections from one address of which it is not known yet whose they are.
    public var opening = 16
    /// Requests of one program at once, on either side.
    public var perPeer = 32
    /// From the start of a connection until both sides have accepted each other.
    public var handshake = TimeAmount.seconds(10)
    /// Until the other side's kernel answers.
    public var connect = TimeAmount.seconds(5)
    /// From then until all of the request's head has come.
    public var head = TimeAmount.seconds(10)
    /// Without a byte of a body that is under way, or without one taken by its reader.
    public var stall = TimeAmount.seconds(30)
    /// From the end of a request until the answer begins: a host may have gigabytes to sync.
    public var answer = TimeAmount.seconds(120)
    /// How long the asker may take to read an answer that came before all of the body was read.
    public var linger = TimeAmount.seconds(2)
    /// Between two looks whether those that are connected are still accepted.
    public var recheck = Duration.seconds(5)
    /// Between the two attempts to connect.
    public var retryPause = Duration.milliseconds(250)
    /// Bytes of the request line and the fields behind it.
    public var headBytes = 4096
    /// Bytes of an answer that is no stream.
    public var answerBytes = 64 << 10
    /// Connections that the kernel keeps until they are accepted.
    public var backlog: Int32 = 128

    public init() {}

    /// Our programs send four fields at most.
    private static let fields = 16

    var decoder: NIOHTTPDecoderLimitConfiguration {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = headBytes
        configuration.maxHeaderListSize = headBytes
        configuration.maxHeaderFieldCount = Self.fields
        return configuration
    }
}
