import NIOCore

/// Decides when a connection has taken too long, from what is heard on it and what its client has not read.
struct ConnectionClock {
    private enum Phase {
        /// Nothing has come yet.
        case opening
        /// Between two requests.
        case idle
        /// Bytes of a request that is not one yet.
        case receiving
        /// So many requests are under way.
        case serving(Int)
        /// The last answer is out; the client may read it.
        case ending
    }

    /// What to do when the deadline has passed.
    enum Verdict: Equatable {
        case wait
        /// Tell the client that its request is late, and then end.
        case refuse
        case close
        /// Close without a good-bye, which would not be read either.
        case abort
    }

    private let limits: ListenerLimits
    private var phase = Phase.opening
    private var phaseEnds: NIODeadline
    private var unread = 0
    /// When the client must have taken a byte, and when all of those that it was sent; never while none wait for it.
    private var mustMove = NIODeadline.distantFuture
    private var mustBeRead = NIODeadline.distantFuture
    /// On HTTP/2 the frames between two requests are none of a request, and the framework says good-bye first when idle.
    var isHTTP2 = false

    init(limits: ListenerLimits, now: NIODeadline) {
        self.limits = limits
        phaseEnds = now + limits.opening
    }

    var deadline: NIODeadline { min(phaseEnds, mustMove, mustBeRead) }

    /// Whether a request is under way.
    var isServing: Bool { if case .serving = phase { true } else { false } }

    /// TLS is agreed on.
    mutating func secured(_ now: NIODeadline) {
        if case .opening = phase { phaseEnds = now + limits.opening }
    }

    /// Bytes came.
    mutating func heard(_ now: NIODeadline) {
        switch phase {
        case .idle where isHTTP2: break
        case .opening, .idle:
            phase = .receiving
            phaseEnds = now + limits.request
        case .serving: phaseEnds = now + limits.stalled
        case .receiving, .ending: break
        }
    }

    /// Bytes go out.
    mutating func spoke(_ now: NIODeadline) {
        if case .serving = phase { phaseEnds = now + limits.stalled }
    }

    mutating func requestBegan(_ now: NIODeadline) {
        switch phase {
        case .opening, .idle, .receiving: phase = .serving(1)
        case .serving(let count): phase = .serving(count + 1)
        case .ending: return
        }
        phaseEnds = now + limits.stalled
    }

    mutating func requestEnded(_ now: NIODeadline) {
        guard case .serving(let count) = phase else { return }
        guard count == 1 else {
            phase = .serving(count - 1)
            return
        }
        phase = .idle
        phaseEnds = now + limits.idle + (isHTTP2 ? limits.request : .zero)
    }

    /// Nothing more is read on the connection.
    mutating func end(_ now: NIODeadline) {
        phase = .ending
        phaseEnds = now + limits.linger
    }

    /// - Parameters:
    ///   - bytes: that wait for the client now.
    ///   - added: that were written since this was last told.
    mutating func unread(_ bytes: Int, added: Int, _ now: NIODeadline) {
        guard bytes > 0 else {
            unread = 0
            mustMove = .distantFuture
            mustBeRead = .distantFuture
            return
        }
        if unread == 0 {
            mustBeRead = now + limits.unread + time(toRead: bytes)
        } else {
            mustBeRead = mustBeRead + time(toRead: added)
        }
        if unread == 0 || bytes < unread + added { mustMove = now + limits.unread }
        unread = bytes
    }

    private func time(toRead bytes: Int) -> TimeAmount {
        .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(limits.slowestReader))
    }

    func verdict(_ now: NIODeadline) -> Verdict {
        if now >= min(mustMove, mustBeRead) { return .abort }
        guard now >= phaseEnds else { return .wait }
        if case .receiving = phase { return .refuse }
        return .close
    }
}

extension TimeAmount {
    fileprivate static var zero: TimeAmount { .nanoseconds(0) }
}
