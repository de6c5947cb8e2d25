import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

/// Each script runs once undisturbed, and then once for each fault (`CrashShare`). Whatever goes wrong, the world must come out as
/// it did undisturbed.
@Suite("Crash points, on a simulated host")
struct CrashMatrixTests {
    static let scripts =
        CrashScript.actions + CrashScript.events + CrashScript.operations + CrashScript.moves
        + CrashScript.snapshots

    /// The scripts undisturbed, by name, and what is to go wrong in each: once for all tests.
    private static let plan = Task {
        let outcomes = try await withThrowingTaskGroup(of: (String, CrashOutcome).self) { group in
            for script in scripts { group.addTask { (script.name, try await run(script)) } }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        let visits = scripts.map { ($0.name, outcomes[$0.name]?.visits ?? []) }
        return (calm: outcomes, faults: CrashShare.faults(of: visits))
    }

    @Test("whatever goes wrong at a point, the world comes out right", arguments: scripts)
    func matrix(_ script: CrashScript) async throws {
        let plan = try await Self.plan.value
        let calm = try #require(plan.calm[script.name])
        #expect(!calm.visits.isEmpty)
        #expect(calm.world.filter { $0.hasPrefix("audit") } == [])
        for fault in plan.faults[script.name] ?? [] {
            await fault.check(script, calm: calm.world) { try await Self.run(script, fault: fault) }
        }
    }

    @Test("no write and no call of the host is without a script")
    func completeness() async throws {
        let hit = Set(try await Self.plan.value.calm.values.flatMap { $0.visits.map(\.point) })
        let looks: Set<SimulatedHost.Operation> = [.image, .answersSSH]
        let registered =
            DurableWrite.allCases.map { CrashPoint.write($0) }
            + SimulatedHost.Operation.allCases.filter { !looks.contains($0) }.map { .call($0) }
        for point in registered { #expect(hit.contains(point), "nothing passes \(point)") }
    }

    @Test("each kind of fault is made at each point, in several scripts where there are")
    func share() async throws {
        let plan = try await Self.plan.value
        let faults = plan.faults.flatMap { script, faults in faults.map { (script, $0) } }
        for point in Set(faults.map(\.1.visit.point)) {
            for kind in FaultKind.allCases {
                let scripts = faults.filter { $0.1.visit.point == point && $0.1.kind == kind }.map(\.0)
                let passing = plan.calm.filter { $0.value.visits.contains { $0.point == point } }
                #expect(Set(scripts).count >= min(2, passing.count), "\(kind.rawValue) at \(point)")
            }
        }
    }

    private static func run(
        _ script: CrashScript, fault: CrashFault? = nil
    ) async throws -> CrashOutcome {
        try await Engine.standard.withDatabase { database in
            let host = SimulatedHost(disks: script.store.map { _ in SimulatedDisks() })
            let world = try await CrashWorld(
                database: database, host: host, isSimulated: true, script: script, fault: fault)
            try await script.prepare(world)
            world.saboteur.arm()
            try await script.run(world)
            var lines = try await world.lines() + world.findings()
            for host in [host] + [world.neighbour?.host, world.second].compactMap(\.self) {
                lines += await Self.lines(host)
            }
            return CrashOutcome(
                visits: world.saboteur.visits, wasMet: world.saboteur.wasMet, world: lines)
        }
    }

    private static func lines(_ host: SimulatedHost?) async -> [String] {
        guard let host else { return [] }
        return [
            "disks \(await host.diskSizes.sorted { $0.key < $1.key })",
            "contents \(await host.contents)",
            "seeds \(await host.seeds.values.map { "\($0.id) \($0.hostName) \($0.vcpus)" }.sorted())",
            "running \(await host.running.sorted()), off \(await host.poweredOff.sorted())",
            "network \(await host.plan.attachments.map(\.computeId)) \(await host.plan.spareTaps)",
        ]
    }
}

extension CrashFault {
    /// Expects that the fault comes about in a run of the script, and that the world comes out as it did undisturbed.
    func check(
        _ script: CrashScript, calm: [String], _ run: @Sendable () async throws -> CrashOutcome
    ) async {
        let place = "\(script.name): \(self)"
        do {
            let outcome = try await run()
            #expect(outcome.wasMet, "\(place) never came about")
            let difference = outcome.world.difference(from: calm).map(\.line)
            #expect(difference.isEmpty, "\(place)")
        } catch {
            Issue.record("\(place): \(error)")
        }
    }
}

/// What a run of a script came to.
struct CrashOutcome: Sendable {
    var visits: [Visit]
    var wasMet: Bool
    var world: [String]
}

extension CollectionDifference<String>.Change {
    var line: String {
        switch self {
        case .insert(_, let line, _): "+ \(line)"
        case .remove(_, let line, _): "- \(line)"
        }
    }
}
