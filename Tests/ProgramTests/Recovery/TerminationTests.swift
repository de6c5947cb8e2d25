import CloudClient
import CloudCore
import CloudDatabase
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite("SIGTERM in the midst of a step", .serialized)
struct TerminationTests {
    /// Each call to a machine takes so long, so that a step can be met.
    private static let delayMs = 200
    /// Well above a step, and well under the 30 s that a shutdown may take.
    private static let endLimit = Duration.seconds(10)

    /// Each that can be seen and in which the host has something to do, with an action that walks it. Disk and seed are made
    /// in what is seen as `image`, and a boot begins in `network`.
    private static let steps: [(ComputeAction, [ComputeStep])] = [
        (.create, [.image, .network, .confirm]),
        (.stop, [.shutdown, .stopping, .unplug]),
        (.start, [.resize]), (.delete, [.halt, .detach, .erase]),
    ]

    private static let slow = ["STRETTCH_SIMULATED_DELAY=\(delayMs)"]

    @Test("the server ends in time at every step, and the next one does the rest, once")
    func everyStep() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let walker = try await cloud.create("walks")
            _ = try await cloud.wait(walker, until: "RUNNING")
            try await cloud.end(SIGTERM)
            try await cloud.start(environment: Self.slow)
            for (action, steps) in Self.steps {
                for step in steps {
                    let id = try await begin(action, at: step, walker, cloud)
                    try await terminate(at: step, id, cloud)
                    try await isDone(action, id, cloud)
                }
            }
            try await eachOnce(cloud)
        }
    }

    private func terminate(at step: ComputeStep, _ id: String, _ cloud: RealCloud) async throws {
        try await cloud.wait(id, at: step)
        let began = ContinuousClock.now
        try await cloud.end(SIGTERM)
        #expect(ContinuousClock.now - began < Self.endLimit, "at \(step)")
        try await cloud.start(environment: Self.slow)
    }

    /// Whatever came between, each action began once and ended once.
    private func eachOnce(_ cloud: RealCloud) async throws {
        let database = try SQLiteDatabase(path: "\(cloud.data)/strettch.sqlite")
        let rows = try await database.read { sql in
            try sql.query(
                """
                SELECT resource_id, kind, COUNT(*) AS n FROM events WHERE resource_id IS NOT NULL
                GROUP BY resource_id, kind
                """)
        }
        var counts: [Int64: [String: Int64]] = [:]
        for row in rows {
            counts[try row.int("resource_id"), default: [:]][try row.text("kind")] = try row.int("n")
        }
        for (id, kinds) in counts {
            let starts = kinds["compute.start.requested"] ?? 0
            #expect(kinds["compute.running"] == 1 + starts, "compute \(id): \(kinds)")
            #expect(kinds["compute.stopped"] == kinds["compute.stop.requested"], "compute \(id): \(kinds)")
            #expect(
                kinds["compute.destroyed"] == kinds["compute.delete.requested"], "compute \(id): \(kinds)")
        }
        #expect(counts.count > Self.steps.count)
    }

    /// Asks for the action: of a new compute for a create or delete, else of the walker, put into the right state.
    private func begin(
        _ action: ComputeAction, at step: ComputeStep, _ walker: String, _ cloud: RealCloud
    ) async throws -> String {
        switch action {
        case .create: return try await cloud.create("new-\(step.rawValue)")
        case .delete:
            let id = try await cloud.create("goes-\(step.rawValue)")
            try await isDone(.create, id, cloud)
            _ = try await cloud.client { try await $0.deleteCompute(id: id) }
            return id
        case .stop:
            try await bring(walker, to: "RUNNING", cloud)
            _ = try await cloud.client { try await $0.stopCompute(id: walker) }
        case .start:
            try await bring(walker, to: "STOPPED", cloud)
            _ = try await cloud.client { try await $0.startCompute(id: walker) }
        case .reboot, .upsize, .restore, .update, .cleanUp, .putBack, .keep, .gone:
            throw TestFailure("\(action) has no steps of its own")
        }
        return walker
    }

    private func bring(_ id: String, to state: String, _ cloud: RealCloud) async throws {
        guard try await cloud.client({ try await $0.compute(id: id) }).data.state != state else { return }
        _ = try await cloud.client {
            try await state == "STOPPED" ? $0.stopCompute(id: id) : $0.startCompute(id: id)
        }
        try await isDone(state == "STOPPED" ? .stop : .start, id, cloud)
    }

    private func isDone(_ action: ComputeAction, _ id: String, _ cloud: RealCloud) async throws {
        try await eventually("'\(action)' of compute \(id) is done") {
            guard action != .delete else { return try await cloud.isGone(id) }
            let compute = try await cloud.client { try await $0.compute(id: id) }.data
            return compute.task == nil && compute.state == (action == .stop ? "STOPPED" : "RUNNING")
        }
    }
}
