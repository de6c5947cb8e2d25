import CloudCore
import CloudDatabase
import Synchronization

/// This worker's ownership of its host: the epoch that it got when it registered. Every transaction of the worker looks
/// whether the host's epoch is still that one, so of two workers that both believe that they own the host at most one
/// changes anything.
public final class HostClaim: Sendable {
    private enum State {
        case notYet
        case held(hostId: Int64, epoch: Int64, sharesDisks: Bool)
        case lost(CloudError)
    }

    private let state = Mutex(State.notYet)

    public init() {}

    /// The host is this worker's from now on.
    func take(hostId: Int64, epoch: Int64, sharesDisks: Bool) {
        state.withLock { $0 = .held(hostId: hostId, epoch: epoch, sharesDisks: sharesDisks) }
    }

    /// Whether other hosts have the disks of this one's computes too, so that they can be given to them when it is lost.
    var sharesDisks: Bool {
        state.withLock { state in
            if case .held(_, _, let sharesDisks) = state { sharesDisks } else { false }
        }
    }

    /// Whether the host was not registered yet.
    var isToCome: Bool {
        state.withLock { state in
            if case .notYet = state { true } else { false }
        }
    }

    /// The host's id. Throws when the host is not registered yet, and why it was lost.
    public var hostId: Int64 {
        get throws { try held.hostId }
    }

    /// The host with its epoch; `nil` before it is registered, and once it is lost.
    public var owned: OwnedHost? {
        state.withLock { state in
            if case .held(let hostId, let epoch, _) = state {
                OwnedHost(id: hostId, epoch: epoch)
            } else {
                nil
            }
        }
    }

    /// Why the host is this worker's no more; `nil`: it is, as far as is known. What is lost does not come back: the
    /// worker leaves the machines alone and ends.
    public var loss: CloudError? {
        state.withLock { state in
            if case .lost(let error) = state { error } else { nil }
        }
    }

    /// The host's id, once the transaction has seen that the host is still this worker's. To be called in every
    /// transaction by which the worker goes on. Throws when it is not, and from then on.
    @discardableResult
    public func check(_ sql: any SQLConnection) throws -> Int64 {
        let (hostId, epoch) = try held
        guard try !sql.hosts.isOwned(hostId, epoch: epoch) else { return hostId }
        throw try lose(hostId, sql)
    }

    /// Says in the transaction that the worker lives. Throws when the host is not its own any more.
    func beat(_ sql: any SQLConnection, nowMs: Int64) throws {
        let (hostId, epoch) = try held
        guard try !sql.hosts.beat(hostId, epoch: epoch, nowMs: nowMs) else { return }
        throw try lose(hostId, sql)
    }

    private var held: (hostId: Int64, epoch: Int64) {
        get throws {
            switch state.withLock({ $0 }) {
            case .held(let hostId, let epoch, _): return (hostId, epoch)
            case .lost(let error): throw error
            case .notYet: throw CloudError.bug("a worker works without a registered host")
            }
        }
    }

    private func lose(_ hostId: Int64, _ sql: any SQLConnection) throws -> CloudError {
        let host = try sql.hosts.get(hostId)
        let name = host?.name ?? "\(hostId)"
        let error =
            if host?.state == .removed {
                RegisterHost.removed(name)
            } else if try sql.hosts.isFenced(hostId) {
                CloudError(
                    .conflict,
                    "The operator has evacuated the host '\(name)', since nobody heard of it, so its worker ends and leaves "
                        + "its machines alone. Start it again: it ends what runs here of computes that are other hosts' "
                        + "by now.")
            } else {
                CloudError(
                    .conflict,
                    "Another worker has taken over the host '\(name)', so this one ends and leaves its machines alone. See "
                        + "to it that no two servers run on copies of one data folder: delete the file host-id in the "
                        + "copy.")
            }
        state.withLock { $0 = .lost(error) }
        return error
    }
}
