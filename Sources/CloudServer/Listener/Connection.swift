import NIOCore
import Synchronization

/// One connection of a listener, as far as others must know of it.
final class Connection: Sendable {
    let peer: Peer
    /// The sender's whole address; `nil` for a unix socket.
    let address: NetworkAddress?
    /// Whether requests on it count for those whom it names, and it has no limit of its own.
    let isProxy: Bool
    private let channel: any Channel
    /// When it last began to wait for a request, in nanoseconds of `NIODeadline`; `underWay` while it has one. Read by
    /// other threads when there is no room.
    private let waitsSince: Atomic<UInt64>
    private static let underWay = UInt64.max

    init(_ channel: any Channel, _ proxies: TrustedProxies) {
        self.channel = channel
        address = NetworkAddress(channel.remoteAddress)
        peer = address?.peer ?? .local
        isProxy = proxies.trusts(address)
        waitsSince = Atomic(NIODeadline.now().uptimeNanoseconds)
    }

    /// `nil` while a request is under way.
    var waitingSince: UInt64? {
        let since = waitsSince.load(ordering: .relaxed)
        return since == Self.underWay ? nil : since
    }

    func waits(since now: NIODeadline) { waitsSince.store(now.uptimeNanoseconds, ordering: .relaxed) }

    func works() { waitsSince.store(Self.underWay, ordering: .relaxed) }

    /// Ends it at once, without the good-bye of TLS: for that a client that does not read would be waited for.
    func abort() {
        channel.eventLoop.execute { [channel] in
            let pipeline = channel.pipeline.syncOperations
            // Throws when there is no TLS, and when the connection has ended.
            guard let tls = try? pipeline.context(handlerType: ServerChannel.TLS.self) else {
                return channel.close(promise: nil)
            }
            tls.close(promise: nil)
        }
    }
}
