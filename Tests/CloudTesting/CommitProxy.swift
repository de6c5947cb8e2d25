import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Stands between programs and a PostgreSQL server, on a unix socket, and lets one commit go wrong when it is told to.
public final class CommitProxy: Sendable {
    /// What becomes of the next commit. The program loses its connection each time.
    public enum Fault: Sendable, CaseIterable {
        /// The server never hears of it.
        case commitLost
        /// The server commits, and the answer never comes.
        case answerLost
        /// The program is cut off while the server may still work on it.
        case cutOff
    }

    private let state = Mutex<(fault: Fault?, met: Int)>((nil, 0))
    private let listener: Int32
    private let server: String

    private static let socketName = ".s.PGSQL.5432"

    /// - Parameters:
    ///   - folder: where the proxy's socket goes.
    ///   - server: where the server's is.
    public init(folder: String, server: String) throws {
        self.server = server
        // Safe: the descriptor is ours until deinit; the address is built by `withAddress` and outlives each call.
        listener = socket(AF_UNIX, SocketKind.stream, 0)
        let bound = withAddress("\(folder)/\(Self.socketName)") { bind(listener, $0, $1) }
        guard listener >= 0, bound == 0, listen(listener, 64) == 0 else {
            throw NeverTrue(what: "the proxy listens in \(folder)")
        }
        acceptConnections(listener, for: self) { $0.serve($1) }
    }

    // Safe: ours. Wakes the thread that accepts.
    deinit { shutdown(listener, SocketKind.both) }

    /// Lets the next commit go wrong.
    public func arm(_ fault: Fault) { state.withLock { $0.fault = fault } }

    /// How often a commit went wrong.
    public var met: Int { state.withLock { $0.met } }

    private func serve(_ client: Int32) {
        // Safe: as above. Each descriptor is shut down by either pump, and closed by the last.
        let server = socket(AF_UNIX, SocketKind.stream, 0)
        let connected = withAddress("\(self.server)/\(Self.socketName)") { connect(server, $0, $1) }
        guard connected == 0 else {
            close(client)
            close(server)
            return
        }
        let connection = ProxiedConnection(client: client, server: server)
        let toServer = Thread { self.pumpToServer(connection) }
        let toClient = Thread { Self.pumpToClient(connection) }
        toServer.start()
        toClient.start()
    }

    private func pumpToServer(_ connection: ProxiedConnection) {
        // Somewhere in what is sent at once.
        let commit = Array("COMMIT\0".utf8)
        while let bytes = receive(connection.client) {
            let fault = bytes.contains(commit) ? takeFault() : nil
            switch fault {
            case .commitLost: return connection.end()
            case .answerLost: connection.muted.withLock { $0 = true }
            case .cutOff:
                // Nothing comes back, and the server finds out when it has done its work.
                transmit(bytes, connection.server)
                return connection.end()
            case nil: break
            }
            transmit(bytes, connection.server)
        }
        connection.end()
    }

    private static func pumpToClient(_ connection: ProxiedConnection) {
        while let bytes = receive(connection.server), !connection.muted.withLock(\.self) {
            transmit(bytes, connection.client)
        }
        connection.end()
    }

    private func takeFault() -> Fault? {
        state.withLock { state in
            guard let fault = state.fault else { return nil }
            state = (nil, state.met + 1)
            return fault
        }
    }
}

/// Calls `body` with the address of the unix socket at `path`, which must be short enough.
private func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Safe: copies no more than there is room for, and leaves the NUL at the end; the address outlives the call.
    withUnsafeMutableBytes(of: &address.sun_path) { room in
        for (index, byte) in path.utf8.prefix(room.count - 1).enumerated() { room[index] = byte }
    }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}
