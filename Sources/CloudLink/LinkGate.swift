import NIOCore
import Synchronization

/// The connections that others have made to this program: counted as they come, known by whose they are once that is certain.
final class LinkGate: Sendable {
    private struct Entry {
        var channel: any Channel
        var address: String
        var fingerprint: String?
    }

    private let limits: LinkLimits
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(_ limits: LinkLimits) { self.limits = limits }

    /// False when there is no room for it: it is to be closed. It counts until it is closed.
    func admit(_ channel: any Channel) -> Bool {
        let address = channel.remoteAddress?.ipAddress ?? ""
        let isIn = entries.withLock { entries in
            let opening = entries.values.count { $0.address == address && $0.fingerprint == nil }
            guard entries.count < limits.connections, opening < limits.opening else { return false }
            entries[ObjectIdentifier(channel)] = Entry(channel: channel, address: address)
            return true
        }
        if isIn { channel.closeFuture.whenComplete { _ in self.forget(channel) } }
        return isIn
    }

    /// Says whose the connection is. False when that program has as many as it may.
    func know(_ channel: any Channel, as fingerprint: String) -> Bool {
        entries.withLock { entries in
            guard entries.values.count(where: { $0.fingerprint == fingerprint }) < limits.perPeer else {
                return false
            }
            entries[ObjectIdentifier(channel)]?.fingerprint = fingerprint
            return true
        }
    }

    /// Whose connections there are.
    var fingerprints: Set<String> { entries.withLock { Set($0.values.compactMap(\.fingerprint)) } }

    /// Closes the connections of those programs, and returns how many these were.
    func close(_ fingerprints: Set<String>) -> Int {
        let theirs = entries.withLock { entries in
            entries.values.filter { $0.fingerprint.map(fingerprints.contains) ?? false }.map(\.channel)
        }
        for channel in theirs { channel.close(promise: nil) }
        return theirs.count
    }

    private func forget(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)] = nil }
    }
}

/// Holds reads back while the database is asked whose a connection is: nobody can fill the memory in that time.
final class ReadPause: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private var isPaused = false
    private var isWanted = false
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        if isPaused { isWanted = true } else { context.read() }
    }

    func begin() { isPaused = true }

    func end() {
        isPaused = false
        guard isWanted else { return }
        isWanted = false
        context?.read()
    }
}
