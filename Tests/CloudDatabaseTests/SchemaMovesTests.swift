import CloudCore
import CloudTesting
import GRDB
import Testing

@testable import CloudDatabase

@Suite("An upgrade amid a move", .sqliteAlone)
struct SchemaMovesTests {
    /// What the phases of schema 17 are now, whose turn it is, and whether the compute's job waits.
    static let phases: [(phase: String, action: MoveAction, step: MoveStep, side: MoveSide, waits: Bool)] = [
        ("DEPARTURE", .move, .departure, .source, true), ("ARRIVAL", .move, .arrival, .destination, true),
        ("COPY", .move, .copy, .source, true), ("SWITCHED", .move, .switched, .destination, true),
        ("REFUSED", .takeBack, .refused, .destination, true), ("LEAVING", .move, .leaving, .source, false),
        ("CANCELLED", .callOff, .cancelled, .source, true),
        ("RETURNED", .callOff, .returned, .destination, false),
        ("WITHDRAWN", .takeBack, .withdrawn, .source, true),
    ]

    @Test("lets it go on where it was, at the host whose turn it is", arguments: phases)
    func goesOn(
        _ phase: String, _ action: MoveAction, _ step: MoveStep, _ side: MoveSide, _ waits: Bool
    ) async throws {
        try await withTemporaryFolder { folder in
            try OldDatabase(version: 17).make("\(folder)/db")
            try Self.insertMove(phase, "\(folder)/db")
            let database = try SQLiteDatabase(path: "\(folder)/db")
            try await database.read { sql in
                let move = try #require(try sql.moves.get(computeId: 1))
                #expect(move.id == 4, "the id after the last compute's")
                #expect(try sql.resources.kind(move.id) == .move)
                #expect(move.sourceId == 1 && move.destinationId == 7 && move.begunAtMs == 40)
                #expect([move.departure, move.arrival, move.failure] == ["d", "a", "f"])
                #expect(move.room == Resources(vcpus: 1, memoryMb: 512, storageGb: 10))
                #expect(move.job == Job(action, step, sinceMs: 50, note: "p"))
                #expect(step.side == side && step.holdsJob == waits)
                let row = try sql.query(
                    "SELECT host_id, due_at_ms FROM jobs WHERE resource_id = $1", [move.id])[0]
                #expect(try row.int("host_id") == move.host(side) && row.int("due_at_ms") == 60)
                let job = try sql.query("SELECT waits_for FROM jobs WHERE resource_id = 1")[0]
                #expect(try job.intOrNil("waits_for") == (waits ? move.id : nil))
            }
            let next = try await database.write { sql in
                try sql.resources.insert(.compute, teamId: 1, nowMs: 70)
            }
            #expect(next == 5)
        }
    }

    private static func insertMove(_ phase: String, _ path: String) throws {
        try DatabaseQueue(path: path).write { db in
            try db.execute(
                sql: """
                    INSERT INTO hosts (id, name, state) VALUES (7, 'other', 'ACTIVE');
                    INSERT INTO moves (compute_id, source_host_id, destination_host_id, phase, since_ms, departure,
                        arrival, progress, failure, vcpus, memory_mb, storage_gb, begun_at_ms, deadline_ms, due_at_ms)
                    VALUES (1, 1, 7, '\(phase)', 50, 'd', 'a', 'p', 'f', 1, 512, 10, 40, 1800040, 60);
                    """)
        }
    }
}
