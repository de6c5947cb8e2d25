import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An HTTP proxy on the loopback that makes connections by CONNECT (RFC 9110, section 9.3.6). Every name leads to this
/// machine, at the port that was asked for, so that a test has servers of any name.
public final class ConnectProxy: Sendable {
    private let listener: Int32
    private let login: String?
    private let log = Mutex<[String]>([])
    public let port: Int

    private static let maxHeadBytes = 65_536

    /// - Parameter login: `USER:PASSWORD` that it asks for; `nil`: none.
    public init(login: String? = nil) throws {
        self.login = login.map { "Basic \(Data($0.utf8).base64EncodedString())" }
        // Safe: the descriptor is ours until deinit, and each address outlives its call.
        let listener = socket(AF_INET, SocketKind.stream, 0)
        self.listener = listener
        var address = LoopbackAddress(port: 0)
        guard listener >= 0, address.with({ bind(listener, $0, $1) }) == 0, listen(listener, 64) == 0 else {
            throw NeverTrue(what: "the proxy listens")
        }
        port = address.read { getsockname(listener, $0, $1) }
        acceptConnections(listener, for: self) { $0.serve($1) }
    }

    // Safe: ours. Wakes the thread that accepts.
    deinit { shutdown(listener, SocketKind.both) }

    /// `HOST:PORT` of each connection that was asked for, refused ones too.
    public var asked: [String] { log.withLock { $0 } }

    private func serve(_ client: Int32) {
        let thread = Thread { self.answer(client) }
        thread.start()
    }

    private func answer(_ client: Int32) {
        guard let head = head(client),
            let target = head.split(separator: " ").dropFirst().first.map(String.init),
            head.hasPrefix("CONNECT "), let port = target.split(separator: ":").last.flatMap({ UInt16($0) })
        else { return refuse(client, "400 Bad Request") }
        log.withLock { $0.append(target) }
        if let login, !head.lowercased().contains("proxy-authorization: \(login)".lowercased()) {
            return refuse(
                client, "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"")
        }
        // Safe: as above; both are closed when the pumps have ended.
        let server = socket(AF_INET, SocketKind.stream, 0)
        var address = LoopbackAddress(port: port)
        guard address.with({ connect(server, $0, $1) }) == 0 else {
            close(server)
            return refuse(client, "502 Bad Gateway")
        }
        transmit(Array("HTTP/1.1 200 OK\r\n\r\n".utf8), client)
        let connection = ProxiedConnection(client: client, server: server)
        let back = Thread { Self.pump(connection.server, connection.client, connection) }
        back.start()
        Self.pump(connection.client, connection.server, connection)
    }

    private static func pump(_ from: Int32, _ to: Int32, _ connection: ProxiedConnection) {
        while let bytes = receive(from) { transmit(bytes, to) }
        connection.end()
    }

    private func head(_ client: Int32) -> String? {
        var bytes: [UInt8] = []
        while bytes.count < Self.maxHeadBytes, let more = receive(client) {
            bytes += more
            if bytes.suffix(4) == [13, 10, 13, 10] { return String(decoding: bytes, as: UTF8.self) }
        }
        return nil
    }

    private func refuse(_ client: Int32, _ status: String) {
        transmit(Array("HTTP/1.1 \(status)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8), client)
        shutdown(client, SocketKind.both)
        close(client)
    }
}

/// 127.0.0.1 with a port, for the calls that take it.
struct LoopbackAddress {
    private var address = sockaddr_in()

    init(port: UInt16) {
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    }

    mutating func with(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        // Safe: the address outlives the call, and its size is told.
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The port that `body` fills in.
    mutating func read(_ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32)
        -> Int
    {
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safe: as above.
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &size) }
        }
        return result == 0 ? Int(UInt16(bigEndian: address.sin_port)) : 0
    }
}
