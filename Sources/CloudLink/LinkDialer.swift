import CloudCore
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Connects to other hosts of the cell: one connection for each request.
struct LinkDialer: Sendable {
    let identity: LinkIdentity
    let limits: LinkLimits
    let metrics: LinkMetrics
    /// Connections that are open, by the host's name.
    private let calls = CallCounter()

    init(_ identity: LinkIdentity, _ limits: LinkLimits, _ metrics: LinkMetrics) {
        self.identity = identity
        self.limits = limits
        self.metrics = metrics
    }

    /// A connection to the host that the database names, secured. Tries once more when nothing could be sent, by what the
    /// database says then: the host's program may have just been started. Throws `SERVICE_UNAVAILABLE`.
    func connect(
        _ find: @Sendable () async throws -> LinkWay
    ) async throws -> (connection: AskingConnection, way: LinkWay) {
        let way = try await find()
        do {
            return (try await connect(to: way), way)
        } catch let error as CloudError {
            throw error
        } catch {
            try await Task.sleep(for: limits.retryPause)
            let way = try await find()
            do {
                return (try await connect(to: way), way)
            } catch let error as CloudError {
                throw error
            } catch {
                throw Self.unreachable(way, error)
            }
        }
    }

    private func connect(to way: LinkWay) async throws -> AskingConnection {
        guard calls.begin(way.name, most: limits.perPeer) else {
            throw CloudError(
                .serviceUnavailable,
                "This server has \(limits.perPeer) requests to the host '\(way.name.shown)' under way. Try again when some "
                    + "have ended.")
        }
        let connection = try await open(way)
        connection.channel.closeFuture.whenComplete { _ in calls.end(way.name) }
        do {
            try await connection.secured(within: limits.handshake)
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    private func open(_ way: LinkWay) async throws -> AskingConnection {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limits.connect)
                .channelOption(.autoRead, value: false)
                .channelOption(.maxMessagesPerRead, value: 1)
                .connect(
                    to: try SocketAddress(ipAddress: way.address.address.description, port: way.address.port)
                ) { channel in
                    channel.eventLoop.makeCompletedFuture { try set(channel, up: way) }
                }
        } catch {
            calls.end(way.name)
            throw error
        }
    }

    private func set(_ channel: any Channel, up way: LinkWay) throws -> AskingConnection {
        let tls = try NIOSSLClientHandler(
            context: identity.clientContext, serverHostname: nil,
            customVerificationCallback: { certificates, verdict in
                let isTheirs = LinkIdentity.fingerprint(of: certificates) == way.fingerprint
                verdict.succeed(isTheirs ? .certificateVerified : .failed)
            })
        try channel.pipeline.syncOperations.addHandler(tls)
        return try AskingConnection(channel, limits)
    }

    private static func unreachable(_ way: LinkWay, _ error: any Error) -> CloudError {
        CloudError(
            .serviceUnavailable,
            "The host '\(way.name.shown)' does not answer at \(way.address). Try again; if it persists, see that its worker "
                + "runs, and that this TCP port is open from here to there.",
            detail: "\(error)")
    }
}

/// Counts what is under way to each host.
private final class CallCounter: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// False when there are as many as may be.
    func begin(_ name: String, most: Int) -> Bool {
        counts.withLock { counts in
            guard counts[name, default: 0] < most else { return false }
            counts[name, default: 0] += 1
            return true
        }
    }

    func end(_ name: String) {
        counts.withLock { counts in
            let left = counts[name, default: 0] - 1
            counts[name] = left > 0 ? left : nil
        }
    }
}
