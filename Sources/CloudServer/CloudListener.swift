import CloudControl
import CloudCore
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The server as a service, whose failure to listen says what to do.
public struct CloudListener: Service {
    private let cloud: Cloud
    private let listen: CloudServer.Listen
    private let logger: Logger
    private let onRunning: @Sendable (String) async -> Void

    /// - Parameter onRunning: called with the address once the listener accepts connections.
    public init(
        cloud: Cloud, listen: CloudServer.Listen, logger: Logger,
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        self.cloud = cloud
        self.listen = listen
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Serves until a graceful shutdown. Throws `CONFLICT` when another program listens there, and
    /// `VALIDATION_ERROR` when the address is none of this machine's or may not be used.
    public func run() async throws {
        if case .unix(let path) = listen, await Self.isInUse(path) { throw inUse }
        do {
            try await CloudServer.application(
                cloud: cloud, listen: listen, logger: logger, onRunning: onRunning
            ).run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw inUse
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw CloudError(
                .validationError,
                "The server can't listen on \(listen): \(error). Choose an address of this machine, and a port or path "
                    + "that this user may use, with --listen.")
        }
    }

    private var inUse: CloudError {
        CloudError(
            .conflict,
            "Another program listens on \(listen). Stop it, or choose another address with --listen.")
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

extension CloudServer.Listen: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
