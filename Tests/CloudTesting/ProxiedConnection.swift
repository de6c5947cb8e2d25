import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The two ends of one connection.
final class ProxiedConnection: Sendable {
    let client: Int32
    let server: Int32
    /// What the server answers from now on is lost, and the connection with it.
    let muted = Mutex(false)

    init(client: Int32, server: Int32) {
        self.client = client
        self.server = server
    }

    /// Safe: ours until deinit.
    func end() { for end in [client, server] { shutdown(end, SocketKind.both) } }

    // Safe: both pumps, which alone know the descriptors, have ended.
    deinit { for end in [client, server] { close(end) } }
}

enum SocketKind {
    #if canImport(Glibc)
        static let stream = Int32(SOCK_STREAM.rawValue)
        static let both = Int32(SHUT_RDWR)
        static let quiet = Int32(MSG_NOSIGNAL)
    #else
        static let stream = SOCK_STREAM
        static let both = SHUT_RDWR
        static let quiet: Int32 = 0
    #endif
}

/// The next bytes; `nil` at the end.
func receive(_ descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    // Safe: reads at most as many as there is room for.
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count > 0 ? Array(bytes.prefix(count)) : nil
}

/// A peer that is gone is found out by the next `receive`.
func transmit(_ bytes: [UInt8], _ descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
        // Safe: sends at most as many as there are.
        let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, SocketKind.quiet) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

/// Gives each connection to the proxy, on a thread of its own that ends when the listener is shut down or the proxy is
/// gone.
func acceptConnections<Proxy: AnyObject & Sendable>(
    _ listener: Int32, for proxy: Proxy, _ serve: @escaping @Sendable (Proxy, Int32) -> Void
) {
    let thread = Thread { [weak proxy] in
        while true {
            // Safe: the descriptor is the proxy's until it is shut down.
            let client = accept(listener, nil, nil)
            guard client >= 0, let proxy else { return }
            serve(proxy, client)
        }
    }
    thread.start()
}
