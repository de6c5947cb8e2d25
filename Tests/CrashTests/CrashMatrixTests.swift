import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

/// Each script runs once undisturbed, and then once for each visit of each point and each kind of fault. Whatever goes
/// wrong, the world must come out as it did undisturbed.
@Suite("Crash points, on a simulated host")
struct CrashMatrixTests {
    static let scripts = CrashScript.actions + CrashScript.events + CrashScript.operations

    @Test("whatever goes wrong at a point, the world comes out right", arguments: scripts)
    func matrix(_ script: CrashScript) async throws { try await Self.sabotage(script) }

    @Test(
        "whatever goes wrong in a move, its guest runs once and all rooms are right",
        arguments: CrashScript.moves)
    func moves(_ script: CrashScript) async throws { try await Self.sabotage(script) }

    @Test(
        "whatever goes wrong in a snapshot or a restore, each disk has what it should",
        arguments: CrashScript.snapshots)
    func snapshots(_ script: CrashScript) async throws { try await Self.sabotage(script) }

    private static func sabotage(_ script: CrashScript) async throws {
        let calm = try await Self.run(script)
        #expect(!calm.visits.isEmpty)
        #expect(calm.world.filter { $0.hasPrefix("audit") } == [])
        for visit in calm.visits where Engine.standard == .sqlite || visit.point.isTransaction {
            for kind in FaultKind.allCases {
                let place = "\(script.name): \(kind.rawValue) at \(visit)"
                do {
                    let outcome = try await Self.run(script, fault: (visit, kind))
                    #expect(outcome.wasMet, "\(place) never came about")
                    let difference = outcome.world.difference(from: calm.world).map(\.line)
                    #expect(difference.isEmpty, "\(place)")
                } catch {
                    Issue.record("\(place): \(error)")
                }
            }
        }
    }

    @Test("no write and no call of the host is without a script")
    func completeness() async throws {
        var hit: Set<CrashPoint> = []
        for script in Self.scripts + CrashScript.moves + CrashScript.snapshots {
            hit.formUnion(try await Self.run(script).visits.map(\.point))
        }
        let looks: Set<SimulatedHost.Operation> = [.image, .answersSSH]
        let registered =
            DurableWrite.allCases.map { CrashPoint.write($0) }
            + SimulatedHost.Operation.allCases.filter { !looks.contains($0) }.map { .call($0) }
        for point in registered { #expect(hit.contains(point), "nothing passes \(point)") }
    }

    private static func run(
        _ script: CrashScript, fault: (visit: Visit, kind: FaultKind)? = nil
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

extension CrashPoint {
    /// All others are the host's, which is the same whatever the database runs on.
    fileprivate var isTransaction: Bool {
        switch self {
        case .write: true
        case .call, .effect: false
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
