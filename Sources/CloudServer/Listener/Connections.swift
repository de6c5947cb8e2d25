import CloudCore
import NIOCore
import Synchronization

/// All connections of a listener: how many there are, whose, what waits to be read by their clients, and which one goes when
/// there is no room.
final class Connections: Sendable {
    private let limits: ListenerLimits
    let proxies: TrustedProxies
    private let group: @Sendable (Peer) -> UInt64?
    private let state = Mutex(State())

    /// Waiting connections that are compared to find the one that has waited longest: of more, a good sample is enough.
    static let maxCompared = 64

    private typealias Members = [ObjectIdentifier: Connection]

    private struct State {
        var all: Members = [:]
        var peers: [Peer: Members] = [:]
        var groups: [UInt64: Members] = [:]
        /// Requests under way, where they are counted.
        var requests: [Peer: Int] = [:]
        var requestsInAll = 0
        var unread: [ObjectIdentifier: Int] = [:]
        var unreadInAll = 0
    }

    /// - Parameter group: what has a limit together with others of its kind; `nil` for a peer that has only its own.
    init(
        _ limits: ListenerLimits, _ proxies: TrustedProxies = .none,
        group: @escaping @Sendable (Peer) -> UInt64? = \.site
    ) {
        self.limits = limits
        self.proxies = proxies
        self.group = group
    }

    /// Connections that are open.
    var count: Int { state.withLock(\.all.count) }
    /// Bytes that wait for clients.
    var unread: Int { state.withLock(\.unreadInAll) }

    // MARK: Room

    /// Lets the connection in until its channel closes. Where there is no room it ends the one that has waited longest for a
    /// request: of the peer or group that has too many, or of all. `nil` when all of those have requests under way.
    func admit(_ channel: any Channel) -> Connection? {
        let connection = Connection(channel, proxies)
        guard enter(connection) else { return nil }
        channel.closeFuture.whenComplete { _ in self.leave(connection) }
        return connection
    }

    private func enter(_ connection: Connection) -> Bool {
        let group = group(connection.peer)
        var evicted: [Connection] = []
        let isIn = state.withLock { state in
            for (members, limit) in crowds(state, connection, group) where members.count >= limit {
                guard let oldest = Self.longestWaiting(members) else { return false }
                remove(oldest, from: &state)
                evicted.append(oldest)
            }
            // One that was ended for the peer's sake may have made room among all.
            if state.all.count >= limits.connections {
                guard let oldest = Self.longestWaiting(state.all) else { return false }
                remove(oldest, from: &state)
                evicted.append(oldest)
            }
            let id = ObjectIdentifier(connection)
            state.all[id] = connection
            state.peers[connection.peer, default: [:]][id] = connection
            if let group { state.groups[group, default: [:]][id] = connection }
            return true
        }
        for connection in evicted { connection.abort() }
        return isIn
    }

    private func crowds(_ state: State, _ connection: Connection, _ group: UInt64?) -> [(Members, Int)] {
        guard !connection.isProxy else { return [] }
        let peers = (state.peers[connection.peer] ?? [:], limits.perPeer)
        guard let group else { return [peers] }
        return [peers, (state.groups[group] ?? [:], limits.perGroup)]
    }

    private static func longestWaiting(_ members: Members) -> Connection? {
        var oldest: (connection: Connection, since: UInt64)?
        var compared = 0
        for connection in members.values {
            guard let since = connection.waitingSince else { continue }
            if since < oldest?.since ?? .max { oldest = (connection, since) }
            compared += 1
            if compared == maxCompared { break }
        }
        return oldest?.connection
    }

    private func leave(_ connection: Connection) { state.withLock { remove(connection, from: &$0) } }

    private func remove(_ connection: Connection, from state: inout State) {
        let id = ObjectIdentifier(connection)
        guard state.all.removeValue(forKey: id) != nil else { return }
        state.peers.remove(id, of: connection.peer)
        if let group = group(connection.peer) { state.groups.remove(id, of: group) }
        state.unreadInAll -= state.unread.removeValue(forKey: id) ?? 0
    }

    // MARK: Requests

    /// Counts a request until `requestEnded`, where one connection brings many. Returns why it is refused, if it is.
    func requestBegan(of peer: Peer) -> Refusal? {
        state.withLock { state in
            guard state.requests[peer, default: 0] < limits.perPeer else { return .crowded(limits.perPeer) }
            guard state.requestsInAll < limits.connections else { return .full(limits.connections) }
            state.requests[peer, default: 0] += 1
            state.requestsInAll += 1
            return nil
        }
    }

    func requestEnded(of peer: Peer) {
        state.withLock { state in
            let left = (state.requests[peer] ?? 1) - 1
            state.requests[peer] = left > 0 ? left : nil
            state.requestsInAll -= 1
        }
    }

    // MARK: Bytes

    /// Tells how many bytes wait for the client. Where all clients together have too many, the connection ends that has most.
    func note(unread: Int, of connection: Connection) {
        let id = ObjectIdentifier(connection)
        let fattest: Connection? = state.withLock { state in
            guard state.all[id] != nil else { return nil }  // it ends
            state.unreadInAll += unread - (state.unread[id] ?? 0)
            state.unread[id] = unread > 0 ? unread : nil
            guard state.unreadInAll > limits.unreadInAll,
                let most = state.unread.max(by: { $0.value < $1.value }), let fattest = state.all[most.key]
            else { return nil }
            remove(fattest, from: &state)
            return fattest
        }
        fattest?.abort()
    }
}

extension Dictionary where Value == [ObjectIdentifier: Connection] {
    /// A key without members is not kept.
    fileprivate mutating func remove(_ id: ObjectIdentifier, of key: Key) {
        self[key]?[id] = nil
        if self[key]?.isEmpty == true { self[key] = nil }
    }
}
