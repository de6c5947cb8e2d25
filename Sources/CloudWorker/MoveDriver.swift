import CloudCore
import CloudDatabase
import CloudMachines
import Logging

/// Makes this host's part of moves between hosts: looks which of them wait for it, makes one call of `MovingHost` for
/// each, and saves what came of it, which is what lets the other host go on. Each call can be repeated, so nothing else
/// is remembered.
struct MoveDriver: Sendable {
    let database: any Database
    let claim: HostClaim
    let clock: any CloudClock
    let logger: Logger
    let calls: MoveCalls

    /// Until a call that failed is made again, in milliseconds.
    static let retryMs: Int64 = 1000

    /// Until an outcome that could not be saved is found out again.
    private static let unsavedPause = Duration.seconds(1)

    /// Starts what is due. A machine's move takes turns with its job, which may have begun a step that outlived its lease.
    /// - Parameter job: what is done when the job was leased meanwhile.
    func start(
        in group: inout DiscardingTaskGroup, _ underWay: JobsUnderWay,
        job: @escaping @Sendable (Int64) async -> Void
    ) async throws {
        for move in try await due().prefix(underWay.free) where underWay.begin(move.computeId) {
            group.addTask {
                do {
                    try await work(move)
                } catch {
                    if claim.loss == nil {
                        log("What came of a move could not be saved; it is done again.", move, error)
                    }
                    try? await clock.sleep(for: Self.unsavedPause)  // throws when cancelled: it ends
                }
                while !underWay.end(move.computeId) { await job(move.computeId) }
            }
        }
    }

    /// What the host has to do now, by compute.
    func due() async throws -> [Move] {
        let now = clock.nowMs
        return try await database.glance { [claim] sql in
            let hostId = try claim.check(sql)
            return try sql.moves.list(hostId: hostId).filter { move in
                move.side(of: hostId).flatMap { move.act(of: $0, nowMs: now) } != nil
            }
        }
    }

    /// When there is something to do next, as far as it is known.
    func nextDueMs(_ sql: any SQLConnection, hostId: Int64) throws -> Int64? {
        try sql.moves.list(hostId: hostId).compactMap { move in
            move.side(of: hostId).flatMap { move.nextMs(of: $0) }
        }.min()
    }

    /// Does what is to be done for the move. Throws when what came of it could not be saved: it is still due then.
    func work(_ move: Move) async throws {
        guard let side = move.side(of: try claim.hostId),
            let act = move.act(of: side, nowMs: clock.nowMs)
        else { return }
        switch act {
        case .cancel(let reason): try await save(.cancel(reason), of: move, as: .cancelMove)
        case .goOn: try await save(await attempt(move, side), of: move, as: .outcome(of: move.phase))
        }
    }

    private func attempt(_ move: Move, _ side: MoveSide) async -> MoveOutcome {
        do {
            return try await withTimeout(
                Worker.stepTimeout, by: clock,
                late: .late("The phase '\(move.phase.rawValue)' of a move", after: Worker.stepTimeout)
            ) {
                try await calls.make(move, side)
            }
        } catch {
            log("A phase of a move failed; it is tried again.", move, error)
            let note = (error as? CloudError)?.message ?? "an unexpected error of the host"
            return .wait(note, milliseconds: Self.retryMs)
        }
    }

    private func save(_ outcome: MoveOutcome, of move: Move, as name: DurableWrite) async throws {
        let save = SaveMove(claim: claim, move: move, outcome: outcome, nowMs: clock.nowMs)
        try await database.write(name) { sql in try save.run(sql) }
        switch outcome {
        case .wait: break
        case .cancel(let reason), .refused(let reason):
            logger.warning(
                "A move is called off.", metadata: ["compute": "\(move.computeId)", "reason": "\(reason)"])
        case .departs, .awaited, .switched, .arrived, .settled:
            logger.info(
                "move",
                metadata: [
                    "compute": "\(move.computeId)", "done": "\(move.phase.rawValue)",
                    "ms": "\(clock.nowMs - move.sinceMs)",
                ])
        }
    }

    private func log(_ what: String, _ move: Move, _ error: any Error) {
        logger.warning(
            "\(what)",
            metadata: [
                "compute": "\(move.computeId)", "phase": "\(move.phase.rawValue)", "error": "\(error)",
            ])
    }
}
