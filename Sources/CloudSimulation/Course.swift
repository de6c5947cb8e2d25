import CloudControl
import CloudCore
import CloudDatabase

/// The course of a history: everything starts, clients do their scripts while things go wrong, then nothing goes wrong any
/// more, all comes to rest, and is judged.
struct Course: Sendable {
    let world: World

    /// Simulated time until all must have come to rest once nothing goes wrong any more.
    static let longestRest = Duration.seconds(7200)
    /// Between two looks at whether it has.
    static let restPoll = Duration.seconds(3)
    /// Longer than supervisor and accountant take from one look to the next.
    static let lastLooksMs: Int64 = 6_000
    static let lastBilledLooksMs: Int64 = 65_000
    /// How late sleepers may be woken meanwhile: so a long rest is a short simulation.
    static let restMaxLateMs: Int64 = 4_000

    /// Until when the operator has made an audit in the midst of everything.
    static let firstAuditMs = 20_000

    func run() async {
        await fund()
        for index in 0..<world.history.shape.programs { world.start(index) }
        world.planDisasters()
        world.spawn {
            await world.clock.sit(milliseconds: Int64(world.random(below: Self.firstAuditMs)))
            await Judge(world: world).auditInMotion()
        }
        await withTaskGroup(of: Void.self) { group in
            for (number, script) in world.history.scripts.enumerated() {
                group.addTask { await Client(world: world, number: number).run(script) }
            }
        }
        await Judge(world: world).auditInMotion()
        world.note { "nothing goes wrong any more" }
        await world.endDisasters()
        world.clock.setMaxLate(Self.restMaxLateMs)
        let rests = await comesToRest()
        if rests { await Judge(world: world).judge() }
        world.end()
        await world.tasksEnded()
        for finding in world.promises.findings { world.note { "FOUND \(finding)" } }
    }

    /// Puts money into the teams' wallets, where it matters.
    private func fund() async {
        guard world.history.shape.isBilled else { return }
        let cloud = world.operatorsCloud()
        for team in 1...Int64(SimulatedStore.teams.count) {
            do {
                let amount = Int64(1 + world.random(below: 4_000_000))
                _ = try await TopUp(teamId: team, amountMilliRwf: amount, reference: "first").run(in: cloud)
            } catch {
                world.promises.broke(.answerIsInTheContract, "a wallet can't be topped up: \(error)")
            }
        }
    }

    /// Waits until no job is due or held, no compute moves, and supervisor and accountant find nothing more to do. False
    /// when that does not come, which is a finding.
    private func comesToRest() async -> Bool {
        let polls = Int(Self.longestRest / Self.restPoll)
        let looksMs = world.history.shape.isBilled ? Self.lastBilledLooksMs : Self.lastLooksMs
        for _ in 0..<polls {
            await world.clock.sit(milliseconds: Int64(Self.restPoll / .milliseconds(1)))
            guard !world.isAnySuspended, underWay().isEmpty else { continue }
            await world.clock.sit(milliseconds: looksMs)
            if !world.isAnySuspended, underWay().isEmpty { return true }
        }
        world.promises.broke(.comesToRest, underWay().joined(separator: "; "))
        return false
    }

    /// The jobs that are due or held, and the moves, in words.
    private func underWay() -> [String] {
        do {
            return try world.store.read { sql in
                try sql.query(
                    """
                    SELECT * FROM jobs WHERE due_at_ms IS NOT NULL OR lease_owner IS NOT NULL OR kind = 'move'
                    ORDER BY resource_id
                    """
                ).map { row in
                    "\(try row.text("kind")) \(try row.int("resource_id")) does \(try row.text("action")) at step "
                        + "\(try row.text("step")), \(try row.int("attempts")) attempts, held by "
                        + "\(try row.textOrNil("lease_owner") ?? "nobody")"
                }
            }
        } catch {
            return ["the jobs can't be read: \(error)"]
        }
    }
}
