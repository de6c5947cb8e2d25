import CloudCore
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension CloudServer {
    /// Where the server listens.
    public enum Listen: Sendable, Equatable, CustomStringConvertible {
        case tcp(host: String, port: Int)
        case unix(path: String)

        /// Whether this machine alone reaches it.
        public var isLocal: Bool {
            switch self {
            case .tcp("localhost", _), .tcp("::1", _), .unix: true
            case .tcp(let host, _): IPv4Address(host).map { $0.value >> 24 == 127 } ?? false
            }
        }

        public var description: String {
            switch self {
            case .tcp(let host, let port): "\(host):\(port)"
            case .unix(let path): "unix:\(path)"
            }
        }
    }
}

extension CloudServer.Listen {
    /// Runs `serve`, which listens here. Throws `CONFLICT` when another program listens there, and `VALIDATION_ERROR`
    /// when the address is none of this machine's or may not be used.
    /// - Parameter option: the command line's name for the setting.
    func whileServing(option: String, _ serve: () async throws -> Void) async throws {
        let inUse = CloudError(
            .conflict,
            "Another program listens on \(self). Stop it, or choose another address with \(option).")
        if case .unix(let path) = self, await Self.isInUse(path) { throw inUse }
        do {
            try await serve()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw inUse
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw CloudError(
                .validationError,
                "The server can't listen on \(self): \(error). Choose an address of this machine, and a port or path "
                    + "that this user may use, with \(option).")
        }
    }

    /// Where it is bound, as an address for clients; a port 0 becomes the one that the kernel chose.
    func bound(_ address: SocketAddress?, isSecure: Bool) -> String {
        switch self {
        case .tcp(let host, let port): "\(isSecure ? "https" : "http")://\(host):\(address?.port ?? port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether a program answers on the socket. One that a killed server left behind refuses, and is replaced.
    private static func isInUse(_ path: String) async -> Bool {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path).get()
            try await channel.close()
            return true
        } catch {
            return false  // nobody answers; what else is wrong with the path is told when it is bound
        }
    }
}
