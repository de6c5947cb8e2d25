import CloudCore
import CloudDatabase
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// Answers other programs of the cell for a host's desk, over mutual TLS: each side accepts the certificates that the database
/// names at that moment and no others.
public struct LinkListener: Service {
    private let address: IPv4Endpoint
    private let identity: LinkIdentity
    let desk: any HostDesk
    let peers: LinkPeers
    let limits: LinkLimits
    let metrics: LinkMetrics
    let notes: RefusalNotes
    let logger: Logger
    private let onRunning: @Sendable (IPv4Endpoint) async -> Void

    /// - Parameters:
    ///   - address: of this machine, as others reach it. A port of 0 is one that the kernel chooses.
    ///   - onRunning: called with the address, the port that was chosen in it, once others may connect.
    public init(
        address: IPv4Endpoint, identity: LinkIdentity, desk: any HostDesk, database: any Database,
        clock: any CloudClock, limits: LinkLimits = LinkLimits(), metrics: LinkMetrics, logger: Logger,
        onRunning: @escaping @Sendable (IPv4Endpoint) async -> Void
    ) {
        self.address = address
        self.identity = identity
        self.desk = desk
        peers = LinkPeers(database: database, clock: clock)
        self.limits = limits
        self.metrics = metrics
        notes = RefusalNotes(metrics, logger)
        self.logger = logger
        self.onRunning = onRunning
    }

    /// A connection that was let in, with whose it is once that is known.
    struct Guest: Sendable {
        let connection: AskedConnection
        let peer: PeerBox
    }

    /// Serves until a graceful shutdown, which ends what is under way: whoever asked goes on where it stood. Throws `CONFLICT`
    /// when another program listens there, and `VALIDATION_ERROR` when the address is none of this machine's.
    public func run() async throws {
        let gate = LinkGate(limits)
        let server = try await bind(gate)
        let port = server.channel.localAddress?.port ?? address.port
        await onRunning(IPv4Endpoint(address: address.address, port: port))
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await serve(server, gate) }
                group.addTask { await recheck(gate) }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func serve(_ server: NIOAsyncChannel<Guest, Never>, _ gate: LinkGate) async {
        do {
            try await server.executeThenClose { guests in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await guest in guests { group.addTask { await serve(guest, gate) } }
                }
            }
        } catch {
            // Cancelled, which is a shutdown, or out of descriptors.
            if !Task.isCancelled {
                logger.error("The link to this host has ended.", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Ends connections of programs that are not accepted any more: what is under way may take hours.
    private func recheck(_ gate: LinkGate) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: limits.recheck)  // throws when cancelled, and the loop ends
            do {
                let closed = gate.close(try await peers.strangers(among: gate.fingerprints))
                if closed > 0 { notes.note(.removed, "\(closed) connections") }
            } catch {
                // Without the database nobody new is let in either.
                logger.debug(
                    "The programs at the link could not be looked up.", metadata: ["error": "\(error)"])
            }
        }
    }

    private func bind(_ gate: LinkGate) async throws -> NIOAsyncChannel<Guest, Never> {
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: limits.backlog)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .bind(
                    to: try SocketAddress(ipAddress: address.address.description, port: address.port)
                ) { channel in setUp(channel, gate) }
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CloudError(
                .conflict,
                "Another program listens on \(address). Stop it, or choose another port with the setting hostLink."
            )
        } catch {
            throw CloudError(
                .validationError,
                "Other servers can't be listened for on \(address): \(error). Choose an address of this machine, and a port "
                    + "that this user may use, with the setting hostLink.")
        }
    }

    private func setUp(_ channel: any Channel, _ gate: LinkGate) -> EventLoopFuture<Guest> {
        guard gate.admit(channel) else {
            notes.note(.noRoom, channel.remoteAddress?.ipAddress ?? "")
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(LinkFault.closed)
        }
        return channel.eventLoop.makeCompletedFuture {
            let (peer, pause) = (PeerBox(), NIOLoopBound(ReadPause(), eventLoop: channel.eventLoop))
            let tls = NIOSSLServerHandler(context: identity.serverContext) { certificates, verdict in
                judge(certificates, peer, pause, verdict)
            }
            try channel.pipeline.syncOperations.addHandlers([pause.value, tls])
            return Guest(connection: try AskedConnection(channel, limits), peer: peer)
        }
    }

    /// Asks the database whose the certificate is. That the other side has its key is TLS's affair.
    private func judge(
        _ certificates: [NIOSSLCertificate], _ peer: PeerBox, _ pause: NIOLoopBound<ReadPause>,
        _ verdict: EventLoopPromise<NIOSSLVerificationResult>
    ) {
        guard let fingerprint = LinkIdentity.fingerprint(of: certificates) else {
            peer.set(nil)
            return verdict.succeed(.failed)
        }
        pause.value.begin()
        verdict.futureResult.whenComplete { _ in pause.value.end() }
        verdict.completeWithTask {
            let record = try await peers.accepted(fingerprint)
            peer.set(record)
            return record == nil ? .failed : .certificateVerified
        }
    }
}
