import CloudControl
import CloudCore
import CloudDatabase
@testable import CloudMachines
import CloudTesting
import Foundation
import Testing

/// The same on a real host: QEMU with machines that have no guest, disks, seeds, and a bridged network, in a network
/// namespace of each run's own. Each change that the host makes goes wrong once in every way.
@Suite("Crash points, on a real host", .enabled(if: geteuid() == 0))
struct RealCrashTests {
    static let scripts =
        CrashScript.actions.filter { $0.name != "update" } + [
            CrashScript(
                "a delete whose monitor is gone", prepare: { try await $0.makeRunning() },
                run: { world in
                    try world.real?.loseMonitor(of: 1)
                    try await world.change(.delete)
                })
        ] + CrashScript.space

    /// Runs at once: most of their time is other programs'.
    private static let maxTogether = 3

    @Test("whatever goes wrong with a change to the host, the world comes out right", arguments: scripts)
    func matrix(_ script: CrashScript) async throws {
        let calm = try await Self.run(script)
        #expect(calm.world.filter { $0.hasPrefix("audit") } == [])
        var cases: [CrashFault] = []
        // Another pass of the same point does the same once more.
        for visit in calm.visits where visit.number == 1 && visit.point.isEffect {
            for kind in FaultKind.allCases { cases.append(CrashFault(visit: visit, kind: kind)) }
        }
        #expect(!cases.isEmpty)
        var rest = cases[...]
        await withTaskGroup(of: Void.self) { group in
            func next() {
                guard let fault = rest.popFirst() else { return }
                group.addTask {
                    await fault.check(script, calm: calm.world) { try await Self.run(script, fault: fault) }
                }
            }
            for _ in 0..<Self.maxTogether { next() }
            for await _ in group { next() }
        }
    }

    @Test("no change to the host is without a script")
    func completeness() async throws {
        var hit: Set<CrashPoint> = []
        for script in Self.scripts { hit.formUnion(try await Self.run(script).visits.map(\.point)) }
        // Moves have two hosts, and crash points of their own (MoveCrashTests), as have snapshots (SnapshotCrashTests);
        // guests that are booted ahead must be real (WarmTests).
        let elsewhere = Set(HostEffect.moves + HostEffect.warm + HostEffect.snapshots)
        for effect in HostEffect.allCases where !elsewhere.contains(effect) {
            #expect(hit.contains(.effect(effect)), "nothing makes \(effect)")
        }
    }

    private static func run(
        _ script: CrashScript, fault: CrashFault? = nil
    ) async throws -> CrashOutcome {
        try await RealCrashHost.with { host in
            let world = try await CrashWorld(
                database: try SQLiteDatabase(path: "\(host.folder)/strettch.sqlite"),
                host: NeighbouredHost(real: host, underlay: RealCrashHost.otherHost),
                isSimulated: false, script: script, fault: fault)
            world.real = host
            let saboteur = world.saboteur
            return try await HostEffect.$interruption.withValue({ effect, moment in
                switch moment {
                case .before: try await saboteur.before(.effect(effect), in: saboteur.life, slow: {})
                case .after: try saboteur.after(.effect(effect), in: saboteur.life)
                }
            }) {
                try await script.prepare(world)
                world.saboteur.arm()
                try await script.run(world)
                let lines = try await world.lines() + world.findings() + host.lines()
                return CrashOutcome(
                    visits: world.saboteur.visits, wasMet: world.saboteur.wasMet, world: lines)
            }
        }
    }
}
