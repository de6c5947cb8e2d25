import NIOCore

/// Decides when a connection has taken too long, from what is heard on it.
struct ConnectionClock {
    private enum Phase {
        /// Nothing has come yet.
        case opening
        /// Between two requests.
        case idle
        /// Bytes of a request that is not one yet; of TLS too.
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
    }

    private let limits: ListenerLimits
    private var phase = Phase.opening
    private(set) var deadline: NIODeadline
    /// On HTTP/2 the frames between two requests are none of a request, and the framework says good-bye first when idle.
    var isHTTP2 = false

    init(limits: ListenerLimits, now: NIODeadline) {
        self.limits = limits
        deadline = now + limits.request
    }

    /// Bytes came.
    mutating func heard(_ now: NIODeadline) {
        switch phase {
        case .opening: phase = .receiving
        case .idle where !isHTTP2:
            phase = .receiving
            deadline = now + limits.request
        case .serving: deadline = now + limits.stalled
        case .idle, .receiving, .ending: break
        }
    }

    /// Bytes go out.
    mutating func spoke(_ now: NIODeadline) {
        if case .serving = phase { deadline = now + limits.stalled }
    }

    mutating func requestBegan(_ now: NIODeadline) {
        switch phase {
        case .opening, .idle, .receiving: phase = .serving(1)
        case .serving(let count): phase = .serving(count + 1)
        case .ending: return
        }
        deadline = now + limits.stalled
    }

    mutating func requestEnded(_ now: NIODeadline) {
        guard case .serving(let count) = phase else { return }
        guard count == 1 else {
            phase = .serving(count - 1)
            return
        }
        phase = .idle
        deadline = now + limits.idle + (isHTTP2 ? limits.request : .zero)
    }

    /// Nothing more is read on the connection.
    mutating func end(_ now: NIODeadline) {
        phase = .ending
        deadline = now + limits.linger
    }

    func verdict(_ now: NIODeadline) -> Verdict {
        guard now >= deadline else { return .wait }
        if case .receiving = phase { return .refuse }
        return .close
    }
}

extension TimeAmount {
    fileprivate static var zero: TimeAmount { .nanoseconds(0) }
}
