import CloudControl
import CloudCore
import CloudMachines
import CloudTesting

extension CrashScript {
    /// Snapshots, and what is made of them. Copies take a look more than their begin.
    static let snapshots: [CrashScript] = [
        CrashScript(
            "a snapshot", prepare: { try await $0.makeWritten() }, run: { try await $0.takeSnapshot() }),
        CrashScript(
            "a snapshot that fails",
            prepare: { try await $0.makeRunning() },
            run: { world in
                await world.simulated?.set(snapshotFailure: "the guest ended meanwhile")
                try await world.takeSnapshot()
            }),
        CrashScript(
            "a delete of a snapshot that has failed",
            prepare: { world in
                try await world.makeRunning()
                await world.simulated?.set(snapshotFailure: "the guest ended meanwhile")
                try await world.takeSnapshot()
            }, run: { try await $0.changeSnapshot(.delete) }),
        CrashScript(
            "a new name for a snapshot", prepare: { try await $0.makeSnapshot() },
            run: { try await $0.changeSnapshot(.update(SnapshotUpdate(name: "renamed"))) }),
        CrashScript(
            "a delete of a snapshot", prepare: { try await $0.makeSnapshot() },
            run: { try await $0.changeSnapshot(.delete) }),
        CrashScript(
            "a stop and a delete of a snapshot amid its copy",
            prepare: { try await $0.makeWritten() },
            run: { world in
                await world.simulated?.set(copyLooks: 1_000_000)
                try await world.beginSnapshot()
                try await world.begin(.stop)
                try await world.changeSnapshot(.delete)
            }),
        CrashScript(
            "a restore",
            prepare: { world in
                try await world.makeSnapshot()
                await world.simulated?.write(1)
            }, run: { try await $0.change(.restore(snapshot: 2)) }),
        CrashScript(
            "a restore of which the guest does not come up",
            prepare: { world in
                try await world.makeSnapshot()
                await world.simulated?.write(1)
                // On its own disk it does not come up either, and ends STOPPED.
                await world.simulated?.set(powersOffAtBoot: true)
            }, run: { try await $0.change(.restore(snapshot: 2)) }),
        CrashScript(
            "a compute that is made of a snapshot", prepare: { try await $0.makeSnapshot() },
            run: { try await $0.createAndSettle(from: 2) }),
        CrashScript(
            "a snapshot that no row stands for", prepare: { try await $0.makeRunning() },
            run: { world in
                try await world.plantSnapshot(17)
                // The next start keeps the id for nobody.
                world.program.life.end()
                try await world.watch()
                world.clock.advance(milliseconds: 3_600_000)
                try await world.watch()
            }),
        CrashScript(
            "a snapshot, and an image of it, on a host that is lost and evacuated, and comes back",
            store: "store",
            prepare: { world in
                try await world.makeSnapshot()
                try await world.makeImage(of: .snapshot(id: 2))
                try await world.joinNeighbour()
            },
            run: { world in
                world.program.life.end()
                world.clock.advance(milliseconds: HostHeartbeat.downAfterMs + 1)
                try await world.evacuate()
                try await world.neighbour?.settle()
                try await world.settle()
            }),
    ]
}

extension CrashWorld {
    /// A compute that runs and has written something.
    func makeWritten() async throws {
        try await makeRunning()
        await simulated?.write(1)
    }

    /// The same with a snapshot, which is resource 2.
    func makeSnapshot() async throws {
        try await makeWritten()
        try await takeSnapshot()
    }

    func takeSnapshot() async throws {
        try await beginSnapshot()
        try await settle()
    }

    /// Asks for a snapshot until that is answered, with the same key.
    func beginSnapshot() async throws {
        let request = try request("POST /computes/1/snapshots", key: 8)
        _ = try await insist("the snapshot") {
            try await CreateSnapshot(
                computeId: 1, name: "before", request: request, answer: Self.answerSnapshot
            ).run(in: $0.cloud)
        }
    }

    func changeSnapshot(_ change: ChangeSnapshot.Change) async throws {
        let request = try request("PATCH /snapshots/2", key: 9)
        _ = try await insist("the change of the snapshot") {
            try await ChangeSnapshot(
                id: 2, change: change, request: request, answer: Self.answerSnapshot
            ).run(in: $0.cloud)
        }
        try await settle()
    }

    /// Leaves a snapshot on the host that no row stands for.
    func plantSnapshot(_ id: Int64) async throws {
        let network = IPv4Network("10.0.0.0/22")
        guard let network, let address = IPv4Address("10.0.0.5") else {
            throw NeverTrue(what: "the machine has an address")
        }
        let machine = Machine(
            id: 1, hostName: "web", vcpus: 1, memoryMb: 512, storageGb: 10, publicKeys: [],
            attachment: NetworkAttachment(computeId: 1, teamId: 1, network: network, privateIpv4: address))
        let snapshot = DiskSnapshot(id: id, machineId: 1, createdAtMs: 0)
        while case .copying = try await host.snapshots.takeSnapshot(snapshot, of: machine) {}
    }

    private static let answerSnapshot: Answer<Snapshot> = { snapshot, _ in
        "{\"data\":{\"id\":\"\(snapshot.id)\"}}"
    }
}
