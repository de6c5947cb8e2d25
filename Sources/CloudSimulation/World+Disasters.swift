import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines

extension World {
    /// Lets each planned disaster come at its time.
    func planDisasters() {
        for case .at(let milliseconds, let disaster) in history.faults {
            spawn {
                await self.clock.sit(milliseconds: milliseconds)
                guard !self.faults.isOver else { return }
                self.faults.count()
                self.note { "\(disaster)" }
                await self.befall(disaster)
            }
        }
    }

    /// Ends what lasts, so that all can come to rest.
    func endDisasters() async {
        faults.end()
        faults.set(isDiskFull: false)
        for machines in machines {
            await machines.set(imageStatus: .ready)
            await machines.set(sshAnswers: true)
            await machines.set(heedsPowerButton: true)
        }
    }

    private func befall(_ disaster: Disaster) async {
        switch disaster {
        case .crash(let index):
            if let program = program(index) { crash(program.incarnation) }
        case .reboot:
            for index in 0..<history.shape.programs {
                if let program = program(index) { crash(program.incarnation) }
            }
            for machines in machines { await reboot(machines) }
        case .hostIsLost(let index): await loseHost(index % history.shape.programs)
        case .replaced(let index): replace(index)
        case .guestDies(let nth):
            if let (machines, id) = await running(nth) { await machines.lose(id) }
        case .networkFlushed:
            for machines in machines {
                try? await machines.applyNetwork(NetworkPlan(attachments: []))  // throws nothing here
            }
        case .tapDeleted(let nth):
            if let (machines, id) = await running(nth) { await machines.loseTap(id) }
        case .seedRemoved(let nth):
            if let (machines, id) = await running(nth) { await machines.loseSeed(id) }
        case .guestPowersOff(let nth):
            if let (machines, id) = await running(nth) { await machines.powerOff(id) }
        case .imagesGone(let milliseconds):
            for machines in machines { await machines.set(imageStatus: .unavailable("simulated")) }
            await clock.sit(milliseconds: milliseconds)
            for machines in machines { await machines.set(imageStatus: .ready) }
        case .guestsSilent(let milliseconds):
            for machines in machines { await machines.set(sshAnswers: false) }
            await clock.sit(milliseconds: milliseconds)
            for machines in machines { await machines.set(sshAnswers: true) }
        case .guestsDeaf(let milliseconds):
            for machines in machines { await machines.set(heedsPowerButton: false) }
            await clock.sit(milliseconds: milliseconds)
            for machines in machines { await machines.set(heedsPowerButton: true) }
        case .diskFull(let milliseconds):
            faults.set(isDiskFull: true)
            await clock.sit(milliseconds: milliseconds)
            faults.set(isDiskFull: false)
        case .clockJumps(let milliseconds): clock.jump(milliseconds)
        case .teamIsDeleted: await deleteTeam()
        case .moved(let nth):
            for _ in 0..<Self.maxMoveAttempts where !faults.isOver {
                if let (_, id) = await running(nth), await move(id) { return }
                await clock.sit(milliseconds: Self.movePauseMs)
            }
        }
    }

    /// How often the operator tries to move a guest, since none may run yet, and the time between, in milliseconds.
    private static let maxMoveAttempts = 5
    private static let movePauseMs: Int64 = 10_000

    /// Nothing but files outlives a reboot.
    private func reboot(_ machines: SimulatedHost) async {
        for id in await machines.inventory().keys.sorted() {
            try? await machines.halt(id)  // throws nothing here
        }
        try? await machines.applyNetwork(NetworkPlan(attachments: []))  // throws nothing here
        await machines.set(bootId: "\(clock.elapsedMs)")
    }

    /// Where there are other hosts, which have its disks too.
    private func loseHost(_ index: Int) async {
        guard history.shape.sharesDisks, takeAway(index) else { return }
        await reboot(machines[index])
        await clock.sit(milliseconds: HostHeartbeat.downAfterMs + Self.beyondDownMs)
        await asOperator("the host can't be evacuated") { cloud in
            let report = try await EvacuateHost(name: Program.hostName(index), isFenced: true).run(in: cloud)
            note { "evacuated: \(report.moved.count) moved, \(report.left.count) left" }
        }
        bringBack(index)
        await asOperator("the host can't be uncordoned") { cloud in
            _ = try await ChangeHost(name: Program.hostName(index), change: .uncordon).run(in: cloud)
        }
    }

    /// Until the operator looks at a host that is DOWN.
    private static let beyondDownMs: Int64 = 10_000

    /// A host that never registered can't be found, and one whose last heartbeat was late is not DOWN yet.
    private func asOperator(_ failure: String, _ body: (Cloud) async throws -> Void) async {
        do {
            try await body(operatorsCloud())
        } catch let error as CloudError where [.conflict, .resourceNotFound].contains(error.code) {
            note { "\(failure): \(error.message)" }
        } catch {
            promises.broke(.answerIsInTheContract, "\(failure): \(error)")
        }
    }

    private func deleteTeam() async {
        do {
            let name = SimulatedStore.idleTeam
            let team = try store.read { sql in try sql.teams.get(name: name) }
            // Deleted before: there is none of that name any more.
            if let team { try await DeleteTeam(teamId: team.id).run(in: operatorsCloud()) }
        } catch {
            promises.broke(.answerIsInTheContract, "the team that has nothing can't be deleted: \(error)")
        }
    }

    /// The nth of the machines that run, counted around, with its host.
    private func running(_ nth: Int) async -> (SimulatedHost, Int64)? {
        var running: [(SimulatedHost, Int64)] = []
        for machines in machines { running += await machines.running.sorted().map { (machines, $0) } }
        return running.isEmpty ? nil : running[nth % running.count]
    }
}
