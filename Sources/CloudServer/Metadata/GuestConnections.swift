import CloudCore
import NIOCore
import Synchronization

/// How many connections there are, each guest's and together. So no guest can take the service from the others.
final class GuestConnections: Sendable {
    /// Of one guest.
    static let maxEach = 16
    static let maxTogether = 512

    private let open = Mutex<[IPv4Address: Int]>([:])

    /// Counts the connection until it is closed. Closes it and throws when there are too many.
    func admit(_ connection: any Channel) throws(CloudError) {
        guard let address = connection.remoteAddress?.ipAddress.flatMap({ IPv4Address($0) }), enter(address)
        else {
            connection.close(promise: nil)
            throw CloudError(.tooManyRequests, "Too many connections to the metadata service at once.")
        }
        connection.closeFuture.whenComplete { _ in self.leave(address) }
    }

    /// Whether there is room for one more.
    func enter(_ address: IPv4Address) -> Bool {
        open.withLock { open in
            let mine = open[address] ?? 0
            guard mine < Self.maxEach, open.values.reduce(0, +) < Self.maxTogether else { return false }
            open[address] = mine + 1
            return true
        }
    }

    func leave(_ address: IPv4Address) {
        open.withLock { open in
            let left = (open[address] ?? 0) - 1
            open[address] = left > 0 ? left : nil
        }
    }
}
