import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("The signal of changes")
struct ChangesTests {
    /// Longer than any test may take: a wait that lasts so long was not woken.
    static let never = Duration.seconds(600)

    @Test("a signal ends every wait under way", .timeLimit(.minutes(1)))
    func everybody() async throws {
        let changes = Changes()
        let seen = changes.count
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { await changes.wait(after: seen, atMost: Self.never) } }
            try await eventually("all wait") { changes.waiting == 20 }
            changes.signal()
            try await group.waitForAll()
        }
        #expect(changes.waiting == 0)
    }

    @Test("a signal for a team ends its waits and those for any, and no other", .timeLimit(.minutes(1)))
    func team() async throws {
        let changes = Changes()
        let seen = changes.count
        let other = Task { await changes.wait(for: 2, after: seen, atMost: Self.never) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for team in [1, nil] as [Int64?] {
                group.addTask { await changes.wait(for: team, after: seen, atMost: Self.never) }
            }
            try await eventually("all wait") { changes.waiting == 3 }
            changes.signal([1])
            try await group.waitForAll()
        }
        #expect(changes.waiting == 1)
        // What was signalled before the wait counts for its own team alone.
        await changes.wait(for: 1, after: seen, atMost: Self.never)
        changes.signal()
        await other.value
        #expect(changes.waiting == 0)
    }

    @Test("a signal between the look and the wait is not missed", .timeLimit(.minutes(1)))
    func between() async {
        let changes = Changes()
        let seen = changes.count
        changes.signal()
        await changes.wait(after: seen, atMost: Self.never)
        #expect(changes.waiting == 0)
    }

    @Test(
        "a wait whose time is up, or whose task is cancelled, leaves nothing behind", .timeLimit(.minutes(1)))
    func nothingLeft() async throws {
        let changes = Changes()
        await changes.wait(after: changes.count, atMost: .milliseconds(5))
        #expect(changes.waiting == 0)
        let task = Task { await changes.wait(after: 0, atMost: Self.never) }
        try await eventually("it waits") { changes.waiting == 1 }
        task.cancel()
        await task.value
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await changes.wait(after: 0, atMost: Self.never)
        }
        await late.value
        #expect(changes.waiting == 0)
    }

    @Test("events and states are signalled once they are committed, and nothing else is")
    func commits() async throws {
        try await Engine.standard.withDatabase { database in
            let (team, compute) = try await database.write { sql in try sql.makeTeamAndCompute() }
            var seen = database.changes.count
            func expectSignal(_ expected: Bool, _ what: String) {
                #expect((database.changes.count != seen) == expected, "\(what)")
                seen = database.changes.count
            }
            try await database.write { sql in try sql.append("a", team: team) }
            expectSignal(true, "an event")
            try await database.write { sql in
                try sql.setState(compute, state: .running, intent: .running, nowMs: 2)
            }
            expectSignal(true, "a state")
            try await database.write { sql in try sql.computes.set(compute, failure: nil) }
            expectSignal(false, "another column")
            try await database.write { sql in try sql.jobs.begin(ComputeAction.stop, compute, nowMs: 3) }
            expectSignal(false, "a job that is due, which only its worker waits for")
            await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    try sql.append("a", team: team)
                    throw CloudError(.conflict, "undone")
                }
            }
            try await database.write { sql in try sql.computes.set(compute, failure: nil) }
            expectSignal(false, "what was undone, also by the next commit")
        }
    }
}

extension SQLConnection {
    func makeTeamAndCompute(tags: [String] = [], privateIpv4: UInt32 = 0x0A00_0005) throws -> (Int64, Int64) {
        guard let network = IPv4Network("10.0.0.0/22") else { throw CloudError.bug("no network") }
        let team = try teams.get(name: "a")?.id ?? teams.insert(name: "a", network: network, nowMs: 1)
        let host = try makeHost()
        _ = try hosts.takeRoom(host, Catalogue.test.specifications[0].resources)
        let id = try insertCompute(
            NewCompute(
                teamId: team, hostId: host, hostName: "Web", image: "TINY-1",
                specification: Catalogue.test.specifications[0], region: "KGL-1", publicKeys: ["k"],
                tags: tags, privateIpv4: IPv4Address(privateIpv4), publicIpv4: nil, sshPort: nil),
            nowMs: 1)
        try jobs.insert(id, .compute, ComputeAction.create, machineId: id, hostId: host, nowMs: 1)
        return (team, id)
    }

    func append(_ kind: String, team: Int64) throws {
        try events.append(Event(resourceId: nil, teamId: team, kind: kind, actor: .system), nowMs: 1)
    }
}
