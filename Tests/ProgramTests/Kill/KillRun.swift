import CloudClient
import CloudDatabase
import CloudTesting
import CloudWire
import Foundation

/// Rounds of load and kill -9 on one data folder, each followed by a restart and an audit.
struct KillRun {
    let plan: KillPlan
    let cloud: RealCloud
    let knowledge = KillKnowledge()

    /// Runs a plan with a cloud of its own. Throws what is wrong, with the seed and the folder, which is kept then.
    static func run(_ plan: KillPlan) async throws -> KillReport {
        var report = KillReport(plan: plan)
        try await RealCloud.with(simulated: plan.isSimulated) { cloud in
            let run = KillRun(plan: plan, cloud: cloud)
            do {
                try await run.run(&report)
            } catch {
                let kept = "/tmp/strettch-kill-\(plan.seed)-\(report.rounds)"
                try FileManager.default.moveItem(atPath: cloud.folder, toPath: kept)
                throw TestFailure("seed \(plan.seed), round \(report.rounds): \(error). Kept: \(kept)")
            }
        }
        return report
    }

    private func run(_ report: inout KillReport) async throws {
        var random = SeededRandom(seed: plan.seed)
        let clean = try await cloud.leftoversOfAll()
        for round in 1...plan.rounds {
            report.rounds = round
            try await loadAndKill(round, &random, &report)
            if random.chance(percent: 20) {
                report.killsWhileStarting += 1
                try await killWhileStarting(&random)
            }
            report.quietMs.append(try await restart(&random))
        }
        try await end(clean)
        report.acknowledged = await knowledge.acknowledged
        report.lateAnswers = await knowledge.lateAnswers
        report.replays = await knowledge.replays
        report.deleted = await knowledge.deleted
    }

    // MARK: Load and kill

    /// Lets the clients ask until the server is killed in the middle of it.
    private func loadAndKill(_ round: Int, _ random: inout SeededRandom, _ report: inout KillReport)
        async throws
    {
        let seeds = (0..<plan.clients).map { _ in random.next() }
        let after = Duration.milliseconds(Int.random(in: plan.killAfterMs, using: &random))
        let takesGroup = random.chance(percent: 30)
        let takesGuests = random.chance(percent: 30)
        let share = Int.random(in: 1...100, using: &random)
        let (plan, cloud, knowledge) = (plan, cloud, knowledge)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, seed) in seeds.enumerated() {
                group.addTask {
                    try await cloud.impatientClient { client in
                        try await KillClient(
                            client: client, knowledge: knowledge, plan: plan, name: "r\(round)-c\(number)"
                        ).run(seed)
                    }
                }
            }
            try await letPass(after)
            let pid = try cloud.serverPid()
            // The group: all that the server runs and waits for; guests have sessions of their own.
            kill(takesGroup ? -pid : pid, SIGKILL)
            try await group.waitForAll()
            try await eventually("the server is gone") { !RealCloud.isAlive(pid) }
        }
        guard takesGuests else { return }
        report.killedGuests += try await cloud.killGuests { random.chance(percent: share) }
    }

    private func killWhileStarting(_ random: inout SeededRandom) async throws {
        let after = Duration.milliseconds(Int.random(in: 0...400, using: &random))
        try await cloud.launch()
        try await letPass(after)
        for pid in try await cloud.processes(of: "serve") { kill(pid, SIGKILL) }
        try await eventually("no server runs") { try await cloud.processes(of: "serve").isEmpty }
    }

    // MARK: Restart and audit

    /// Starts the server, lets it become quiet, has what is in doubt decided, and audits. How long the first quiet took.
    private func restart(_ random: inout SeededRandom) async throws -> Int {
        let began = ContinuousClock.now
        try await cloud.launch()
        try await cloud.answers()
        let audit = KillAudit(
            cloud: cloud, database: try SQLiteDatabase(path: "\(cloud.data)/strettch.sqlite"))
        try await quiet(audit)
        let tookMs = Int((ContinuousClock.now - began) / .milliseconds(1))
        try await decideDoubts()
        try await quiet(audit)
        try await compareKnowledge()
        // Throws with what it prints when it finds anything.
        try await cloud.strettch("admin", "audit", "--data", cloud.data)
        return tookMs
    }

    /// Returns once nothing is found. Throws what is still found at the limit.
    private func quiet(_ audit: KillAudit) async throws {
        let limit = ContinuousClock.now + plan.quietLimit
        var findings = try await audit.findings()
        while !findings.isEmpty, ContinuousClock.now < limit {
            try await letPass(.milliseconds(20))
            findings = try await audit.findings()
        }
        guard findings.isEmpty else {
            throw TestFailure(
                "not quiet after \(plan.quietLimit), \(findings.count) findings: "
                    + findings.prefix(10).joined(separator: "; "))
        }
    }

    /// Sends again what was not answered.
    private func decideDoubts() async throws {
        try await cloud.impatientClient { client in
            let asker = KillClient(client: client, knowledge: knowledge, plan: plan, name: "again")
            for (number, order) in await knowledge.orders.enumerated() {
                if order.answer == nil, try await !asker.create(number, isRepetition: true) {
                    await knowledge.fault("no answer to the retry of \(order.request.hostName)")
                }
                if order.deletion == .inDoubt, try await asker.delete(number, isRepetition: true) {
                    await knowledge.set(number, deletion: .accepted)
                }
            }
        }
    }

    /// Every acknowledged create is there once, every acknowledged delete is done. Throws all that is not so.
    private func compareKnowledge() async throws {
        let orders = await knowledge.orders
        let listed = try await cloud.client { try await $0.allComputes() }
        let byId = Dictionary(grouping: listed, by: \.id)
        for (id, same) in byId where same.count > 1 { await knowledge.fault("compute \(id) is listed twice") }
        for order in orders {
            guard let answer = order.answer else { continue }
            let there = byId[answer.compute.id]?.first
            switch order.deletion {
            case .none where there?.hostName != answer.compute.hostName:
                await knowledge.fault("lost: \(answer.compute.hostName), id \(answer.compute.id)")
            case .accepted where there != nil:
                await knowledge.fault(
                    "compute \(answer.compute.id) is \(there?.state ?? "") after its delete")
            case .none, .accepted, .inDoubt: break
            }
        }
        let known = Set(orders.compactMap(\.id))
        for compute in listed where !known.contains(compute.id) {
            await knowledge.fault("nobody asked for compute \(compute.id), \(compute.hostName)")
        }
        let faults = await knowledge.faults
        guard faults.isEmpty else {
            throw TestFailure("\(faults.count) faults: " + faults.prefix(10).joined(separator: "; "))
        }
    }

    // MARK: The end

    /// Repeats every create ever acknowledged, deletes all, and expects nothing to be left.
    private func end(_ clean: String) async throws {
        try await cloud.impatientClient { client in
            let asker = KillClient(client: client, knowledge: knowledge, plan: plan, name: "end")
            for (number, order) in await knowledge.orders.enumerated() where order.answer != nil {
                _ = try await asker.create(number, isRepetition: true)
                if order.isAlive { _ = try await asker.delete(number, isRepetition: false) }
            }
        }
        let database = try SQLiteDatabase(path: "\(cloud.data)/strettch.sqlite")
        try await quiet(KillAudit(cloud: cloud, database: database))
        try await compareKnowledge()
        let left = try await cloud.leftoversOfAll()
        guard left == clean else { throw TestFailure("left over:\n\(left)\nand at first:\n\(clean)") }
    }
}

extension RealCloud {
    /// Runs `body` with a client that asks once and does not wait long for a server that is gone.
    func impatientClient<T: Sendable>(_ body: (StrettchClient) async throws -> T) async throws -> T {
        var options = StrettchClient.Options()
        options.retry = .never
        options.connectTimeoutMs = 1000
        return try await client(options: options, body)
    }

    /// Ends those guests that `chosen` says, as a crash would. How many.
    fileprivate func killGuests(_ chosen: () -> Bool) async throws -> Int {
        guard isSimulated else {
            let pids = try await guests().filter { _ in chosen() }
            for pid in pids { kill(pid, SIGKILL) }
            try await eventually("the guests are gone") { pids.allSatisfy { !Self.isAlive($0) } }
            return pids.count
        }
        let folder = "\(data)/simulated"
        let processes = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
            "\(folder)/\($0)/process"
        }.filter { FileManager.default.fileExists(atPath: $0) && chosen() }
        for process in processes { try FileManager.default.removeItem(atPath: process) }
        return processes.count
    }

    /// What there is of machines: their files, processes, and the network.
    fileprivate func leftoversOfAll() async throws -> String {
        let folder = "\(data)/\(isSimulated ? "simulated" : "machines")"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { Int64($0) != nil }
        let network = namespace == nil ? "" : try await leftovers()
        return "files: \(files)\nguests: \(try await guests())\n\(network)"
    }
}
