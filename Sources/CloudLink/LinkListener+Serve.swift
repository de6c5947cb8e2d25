import CloudCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Whose a connection is, once that is known.
final class PeerBox: Sendable {
    private enum State {
        case open
        case stranger
        case known(LinkRecord)
    }

    private let state = Mutex(State.open)

    var value: LinkRecord? {
        state.withLock { state in
            if case .known(let record) = state { record } else { nil }
        }
    }

    /// Whether it has shown a certificate that the database does not name.
    var isStranger: Bool {
        state.withLock { state in
            if case .stranger = state { true } else { false }
        }
    }

    /// - Parameter record: `nil`: a stranger.
    func set(_ record: LinkRecord?) { state.withLock { $0 = record.map(State.known) ?? .stranger } }
}

/// Tells the operator whom the link has refused: one line a second at most, since outsiders decide how many there are.
final class RefusalNotes: Sendable {
    private let metrics: LinkMetrics
    private let logger: Logger
    private let last = Mutex<(at: ContinuousClock.Instant, unsaid: Int)?>(nil)

    private static let pause = Duration.seconds(1)

    init(_ metrics: LinkMetrics, _ logger: Logger) {
        self.metrics = metrics
        self.logger = logger
    }

    func note(_ reason: LinkMetrics.Refusal, _ who: String) {
        metrics.refuse(reason)
        let now = ContinuousClock.now
        let unsaid: Int? = last.withLock { last -> Int? in
            if let before = last, now - before.at < Self.pause {
                last?.unsaid = before.unsaid + 1
                return nil
            }
            defer { last = (now, 0) }
            return last?.unsaid ?? 0
        }
        guard let unsaid else { return }
        logger.warning(
            "Another program was refused at the link to this host.",
            metadata: ["from": "\(who.shown)", "reason": "\(reason.rawValue)", "alsoRefused": "\(unsaid)"])
    }
}

extension LinkListener {
    /// Answers the one request of a connection, and closes it.
    func serve(_ guest: Guest, _ gate: LinkGate) async {
        let connection = guest.connection
        defer { connection.close() }
        let from = connection.channel.remoteAddress?.ipAddress ?? ""
        do {
            try await connection.secured(within: limits.handshake)
        } catch {
            logger.debug("A connection came to nothing.", metadata: ["from": "\(from)", "error": "\(error)"])
            return notes.note(guest.peer.isStranger ? .stranger : .malformed, from)
        }
        // A session that was taken up again has shown no certificate.
        guard let peer = guest.peer.value else { return notes.note(.stranger, from) }
        let exchange = LinkExchange(connection, limits)
        do {
            let head = try await exchange.head()
            guard gate.know(connection.channel, as: peer.fingerprint) else {
                notes.note(.noRoom, peer.name)
                return try await exchange.refuse(busy)
            }
            try await answer(head, exchange, peer)
        } catch {
            if error as? LinkFault == .malformed || error is HTTPParserError {
                notes.note(.malformed, peer.name)
            }
            logger.debug(
                "A request of another program ended early.",
                metadata: ["peer": "\(peer.name)", "error": "\(error)"])
        }
    }

    private func answer(_ head: HTTPRequestHead, _ exchange: LinkExchange, _ peer: LinkRecord) async throws {
        guard let (route, parameters) = LinkRoute.find(head) else {
            notes.note(.malformed, peer.name)
            return try await exchange.refuse(unknown(head))
        }
        guard route.isOpen(to: peer) else {
            notes.note(.forbidden, peer.name)
            return try await exchange.refuse(
                CloudError(.forbidden, "'\(peer.name.shown)' may not ask this of a host."))
        }
        let answer: LinkRoute.Answer
        do {
            if !route.hasBody { try await exchange.expectNoBody() }
            answer = try await route.answer(
                LinkRequest(parameters: parameters, body: exchange.body), desk)
        } catch {
            metrics.answer(route.name, (error as? CloudError)?.code.rawValue ?? "error")
            return try await exchange.refuse(told(error, route, peer))
        }
        switch answer {
        case .text(let text): try await exchange.answer(.ok, text)
        case .bytes(let bytes): try await exchange.answer(bytes)
        }
        metrics.answer(route.name, "ok")
    }

    /// What the other side is told of an error. One that is not ours is for this host's log.
    private func told(_ error: any Error, _ route: LinkRoute, _ peer: LinkRecord) -> CloudError {
        if let error = error as? CloudError { return error }
        if !(error is LinkFault) {
            logger.error(
                "A request of another program failed.",
                metadata: ["request": "\(route.name)", "peer": "\(peer.name)", "error": "\(error)"])
        }
        return .bug("\(error)")
    }

    private func unknown(_ head: HTTPRequestHead) -> CloudError {
        CloudError(
            .serviceUnavailable,
            "The host does not know what was asked of it. Run the same version of the program on all machines of the cell.",
            detail: "\(head.method) \(head.uri.shown)")
    }

    private var busy: CloudError {
        CloudError(
            .serviceUnavailable,
            "The host has \(limits.perPeer) requests of this server under way. Try again when some have ended."
        )
    }
}

extension LinkExchange {
    /// Tells the asker why there is no other answer.
    func refuse(_ error: CloudError) async throws {
        try await answer(.unprocessableEntity, LinkError(error).text)
    }
}
