import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines

/// Looks at the cloud once it has come to rest: by what clients were told, and by the audit.
struct Judge: Sendable {
    let world: World

    func judge() async {
        for (slot, create) in world.promises.accepted {
            let client = Client(world: world, number: slot.team)
            await judge(create, as: client)
            // The first answer again, and 422 for any other request.
            for body in CreateBody.all.indices { await client.create(slot.slot, body) }
        }
        for (slot, snapshot) in world.promises.snapshots.sorted(by: { $0.key < $1.key }) {
            await Client(world: world, number: slot.team).judgeSnapshot(snapshot)
        }
        await audit()
    }

    /// What the operator's audit finds at rest: everything must be as promised.
    private func audit() async {
        let findings = await findings()
        world.promises.add(findings.map { Finding(invariant: $0.invariant.rawValue, what: $0.what) })
    }

    /// What it finds in the midst of everything. Host and work may be behind there; what is in the database may not.
    func auditInMotion() async {
        let findings = await findings().filter { Self.holdAtEveryCommit.contains($0.invariant) }
        world.promises.add(findings.map { Finding(invariant: $0.invariant.rawValue, what: $0.what) })
    }

    private static let holdAtEveryCommit: Set<Invariant> = [
        .oneKeyPerCompute, .answerNamesCompute, .createIsLogged, .heldOnce, .heldInRange, .holdsItsAddress,
        .addressesNameTheirHolders,
        .goneHoldsNothing, .capacityIsKept, .hostCountsItsComputes, .teamsAreApart, .deletedTeamHoldsNothing,
        .totalsAreCounts, .oneJob, .stateFitsStep,
        .meterFollowsState, .walletIsItsLedger, .eventsHaveNoGap, .stateHasItsEvent,
    ]

    private func findings() async -> [AuditFinding] {
        let settings = world.settings
        let audit = Audit(
            database: StoreDatabase(store: world.store), hosts: hosts(), catalogue: .simulated,
            settings: AuditSettings(
                privateRange: settings.privateRange, publicPool: settings.publicPool,
                isBilled: settings.billing.isOn, stopGraceMs: Program.stopGraceMs),
            clock: world.clock)
        do {
            return try await audit.run()
        } catch {
            world.promises.broke(.answerIsInTheContract, "the audit could not be made: \(error)")
            return []
        }
    }

    /// The machines by the ids of their hosts' rows, of the hosts that have registered.
    private func hosts() -> [Int64: any MachineHost] {
        do {
            let known = try world.store.read { sql in try sql.hosts.list() }
            let pairs = world.machines.enumerated().compactMap { index, machines in
                known.first { $0.name == Program.hostName(index) }.map { ($0.id, machines) }
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        } catch {
            world.promises.broke(.answerIsInTheContract, "the hosts can't be read: \(error)")
            return [:]
        }
    }

    private func judge(_ create: Promises.Accepted, as client: Client) async {
        let promises = world.promises
        guard let (state, failure) = await client.get(create.id) else { return }
        if promises.mustBeGone(create.id) {
            return promises.broke(.acceptedDeleteEnds, "compute \(create.id) was deleted, and is \(state)")
        }
        switch ComputeState(rawValue: state) {
        case .running: break
        case .stopped
        where failure != nil || promises.mayBeStopped(create.id) || world.history.shape.isBilled: break
        case .failed where failure != nil: break
        // An accepted delete whose answer was lost.
        case .destroying where promises.mayBeGone(create.id): break
        default:
            promises.broke(
                .acceptedCreateIsThere,
                "compute \(create.id) came to rest as \(state)\(failure.map { " (\($0))" } ?? ", for no reason")"
            )
        }
    }
}
