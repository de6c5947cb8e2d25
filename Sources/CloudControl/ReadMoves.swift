import CloudCore
import CloudDatabase

/// What became of a compute's move, for whoever waits for it. For the operator, not for callers of the API.
public struct FollowMove: Sendable {
    /// As it was begun.
    public var move: Move

    public init(_ move: Move) { self.move = move }

    /// How far it is.
    public enum Outcome: Sendable, Equatable {
        /// Under way; how far, in words.
        case underWay(String)
        /// The guest runs on the other host.
        case moved
        /// The guest is where it was; why.
        case failed(String)
    }

    /// Events of the compute that are looked through for the reason of a failure.
    private static let maxEvents = 100

    public func run(in cloud: Cloud) async throws -> Outcome {
        try await cloud.database.read { sql in
            if let present = try sql.moves.get(move.id) {
                return outcome(present)
            }
            let failure = try sql.events.newest(.resource(move.computeId), limit: Self.maxEvents).first {
                ["compute.move.failed", "compute.moved"].contains($0.event.kind) && $0.atMs >= move.begunAtMs
            }
            guard failure?.event.kind == "compute.move.failed" else { return .moved }
            return .failed(failure?.event.detail ?? "for a reason that was not kept")
        }
    }

    private func outcome(_ present: Move) -> Outcome {
        switch present.step {
        case .departure: .underWay("waits for its host")
        case .arrival: .underWay(present.job.note ?? "its destination makes ready")
        case .copy: .underWay(present.job.note ?? "begins to copy")
        case .switched, .refused: .underWay("switches over")
        case .leaving: .underWay("runs there; its old host cleans up")
        case .cancelled, .abandoned, .withdrawn: .underWay("is called off: \(present.failure ?? "")")
        // The guest goes on; the other host may be down for long.
        case .returned: .failed(present.failure ?? "for a reason that was not kept")
        }
    }
}

/// The computes on a host that are not DESTROYED, with their names, by id. For the operator.
public struct HostComputes: Sendable {
    public var hostId: Int64

    /// The most that are told at once.
    public static let limit = 10_000

    public init(hostId: Int64) { self.hostId = hostId }

    public func run(in cloud: Cloud) async throws -> [(id: Int64, name: String)] {
        try await cloud.database.read { sql in try sql.hosts.computes(hostId, limit: Self.limit) }
    }
}
