import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("Every action in every state, through HTTP")
struct StateTableTests {
    /// Status by action, in the order of `states`. 400 is `COMPUTE_RUNNING`, 409 `CONFLICT`, 404 a compute that is no
    /// longer there for its team.
    static let statuses: [(ComputeAction, [Int])] = [
        (.start, [409, 409, 202, 409, 409, 409, 404, 409]),
        (.stop, [409, 202, 409, 202, 202, 409, 404, 409]),
        (.reboot, [409, 202, 409, 409, 409, 409, 404, 409]),
        (.upsize, [409, 400, 202, 400, 400, 409, 404, 409]),
        (.restore, [409, 202, 202, 409, 409, 409, 404, 409]),
        (.update, [200, 200, 200, 200, 200, 409, 404, 409]),
        (.delete, [202, 202, 202, 202, 202, 202, 404, 202]),
    ]
    static let states: [ComputeState] = [
        .creating, .running, .stopped, .starting, .rebooting, .destroying, .destroyed, .failed,
    ]

    @Test(
        "what the table says is what the server answers, and a refusal names state and action",
        arguments: statuses)
    func table(_ action: ComputeAction, _ statuses: [Int]) async throws {
        #expect(Set(Self.states) == Set(ComputeState.allCases))
        #expect(Self.statuses.count == ComputeAction.asked.count - 1, "all but create")
        try await TestCloud.with { cloud in
            for (state, status) in zip(Self.states, statuses) {
                let (id, snapshot) = try await compute(in: state, for: action, cloud)
                let answer =
                    if let snapshot { try await cloud.restore(id, of: snapshot) } else {
                        try await cloud.act(action, on: id)
                    }
                #expect(answer.status == status, "\(action) in \(state): \(answer.text)")
                switch status {
                case 400: #expect(answer.code == "COMPUTE_RUNNING")
                case 404: #expect(answer.code == "RESOURCE_NOT_FOUND")
                case 409: #expect(answer.code == "CONFLICT")
                default: continue
                }
                let message = answer.json["message"]?.string ?? ""
                #expect(
                    status == 404 || message.contains(state.rawValue) && message.contains(action.rawValue))
                let after = try await cloud.cloud.database.read { sql in try sql.computes.get(Int64(id) ?? 0)
                }
                #expect(after?.state == state, "a refusal changes nothing")
            }
        }
    }

    @Test("what is asked of a compute that is being stopped: again, or only its end")
    func whileStopping() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let stop = try await cloud.act(.stop, on: id)
            #expect(stop.data?["state"]?.string == "RUNNING")
            #expect(stop.data?["task"]?["action"]?.string == "stop")
            let statuses = [
                try await cloud.act(.stop, on: id).status, try await cloud.act(.reboot, on: id).status,
                try await cloud.act(.start, on: id).status, try await cloud.act(.upsize, on: id).status,
                try await cloud.act(.update, on: id).status, try await cloud.act(.delete, on: id).status,
            ]
            #expect(statuses == [202, 409, 409, 400, 200, 202])
        }
    }

    /// A compute that shows `state`, with nothing under way; and for a restore a snapshot of it.
    private func compute(
        in state: ComputeState, for action: ComputeAction, _ cloud: TestCloud
    ) async throws -> (id: String, snapshot: String?) {
        let answer = try await cloud.create()
        let id = try #require(answer.data?["id"]?.string)
        let number = try #require(Int64(id))
        var snapshot: String?
        if action == .restore {
            try await cloud.settle()
            snapshot = try await cloud.snapshotOf(id)
        }
        try await cloud.cloud.database.write { sql in
            if state == .destroyed { try sql.computes.releaseAddresses(number) }
            try sql.setState(number, state: state, intent: .running, nowMs: 0)
            try sql.jobs.set(number, action: ComputeAction.keep)
            try sql.jobs.schedule(number, dueAtMs: nil)
        }
        return (id, snapshot)
    }
}
