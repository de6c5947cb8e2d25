import ArgumentParser
import CloudControl
import CloudCore
import CloudDatabase

/// `strettch admin compute`.
struct AdminComputeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compute",
        abstract: "Show what the work on a compute stumbles over, and move computes between hosts.",
        subcommands: [AdminComputeShowCommand.self, AdminComputeMoveCommand.self])
}

/// `strettch admin compute move`.
struct AdminComputeMoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move a compute that runs to another host, while its guest goes on.",
        discussion:
            "The workers of both hosts do it; the command shows how far they are, and can be broken off or repeated."
    )

    @Argument(help: "The compute's id.") var id: Int64
    @Option(help: ArgumentHelp("The host that it goes to; else the best one.", valueName: "host"))
    var to: String?
    @Flag(help: "Begin, and don't wait for the end.") var noWait = false
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let move = try await MoveCompute(id: id, to: to).run(in: cloud)
        let output = try await OutputMove(move, in: cloud)
        guard !noWait else { return try options.show(output, output.line) }
        switch try await MoveWait(cloud: cloud).wait(for: move) {
        case .underWay(let how):
            throw CommandFailure(.failure, "\(output.what) is still under way: \(how).")
        case .moved: try options.show(output.ended(moved: true), output.ended(moved: true).line)
        case .failed(let reason):
            throw CommandFailure(
                .failure, "\(output.what) has failed, and the guest runs where it was: \(reason)")
        }
    }
}

/// Waits for moves, and shows how far they are.
struct MoveWait {
    let cloud: Cloud

    /// Between two looks.
    private static let pause = Duration.milliseconds(500)
    /// Hosts call a move off by themselves when its time is over; then they need a little more.
    private static let limitMs = Move.limitMs + 5 * 60_000

    /// What became of it; `underWay` once it has taken longer than a move can.
    func wait(for move: Move) async throws -> FollowMove.Outcome {
        let follow = FollowMove(move)
        var shown = ""
        var outcome = try await follow.run(in: cloud)
        while case .underWay(let how) = outcome, cloud.clock.nowMs < move.begunAtMs + Self.limitMs {
            if how != shown {
                OutputStreams.note(OutputText.clean("compute \(move.computeId): \(how)"))
                shown = how
            }
            try await cloud.clock.sleep(for: Self.pause)
            outcome = try await follow.run(in: cloud)
        }
        return outcome
    }
}

/// A move as the operator's commands print it.
struct OutputMove: Encodable {
    var computeId: String
    var from: String
    var to: String
    /// Whether the guest runs there.
    var moved = false

    init(_ move: Move, in cloud: Cloud) async throws {
        computeId = String(move.computeId)
        let names = try await cloud.database.read { sql in
            try [move.sourceId, move.destinationId].map { try sql.hosts.get($0)?.name ?? "\($0)" }
        }
        (from, to) = (names[0], names[1])
    }

    func ended(moved: Bool) -> OutputMove {
        var output = self
        output.moved = moved
        return output
    }

    /// In the words of a sentence's subject.
    var what: String { OutputText.clean("The move of compute \(computeId) from \(from) to \(to)") }

    var line: String {
        OutputText.clean(
            moved
                ? "Compute \(computeId) runs on \(to)."
                : "Compute \(computeId) is being moved from \(from) to \(to).")
    }
}
