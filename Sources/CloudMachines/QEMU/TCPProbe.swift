import NIOCore
import NIOPosix

/// Asks whether somebody listens.
enum TCPProbe {
    /// A host that is up answers in some milliseconds, or a second after a lost packet.
    static let connectLimit = TimeAmount.seconds(3)

    static func accepts(_ host: String, port: Int) async -> Bool {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(connectLimit).connect(host: host, port: port).get()
            try await channel.close()
            return true
        } catch {
            return false  // Refused, unreachable or too slow: the caller says so.
        }
    }
}
