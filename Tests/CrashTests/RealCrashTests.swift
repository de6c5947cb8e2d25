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
        ]

    /// Runs at once: most of their time is other programs'.
    private static let maxTogether = 3

    @Test("whatever goes wrong with a change to the host, the world comes out right", arguments: scripts)
    func matrix(_ script: CrashScript) async throws {
        let calm = try await Self.run(script)
        #expect(calm.world.filter { $0.hasPrefix("audit") } == [])
        var cases: [(Visit, FaultKind)] = []
        // Another pass of the same point does the same once more.
        for visit in calm.visits where visit.number == 1 && visit.point.isEffect {
            for kind in FaultKind.allCases { cases.append((visit, kind)) }
        }
        #expect(!cases.isEmpty)
        var rest = cases[...]
        await withTaskGroup(of: Void.self) { group in
            func next() {
                guard let (visit, kind) = rest.popFirst() else { return }
                group.addTask { await Self.check(script, visit, kind, calm: calm.world) }
            }
            for _ in 0..<Self.maxTogether { next() }
            for await _ in group { next() }
        }
    }

    @Test("no change to the host is without a script")
    func completeness() async throws {
        var hit: Set<CrashPoint> = []
        for script in Self.scripts { hit.formUnion(try await Self.run(script).visits.map(\.point)) }
        // Moves have two hosts, and crash points of their own (MoveCrashTests); guests that are booted ahead must be real
        // (WarmTests).
        let elsewhere = Set(HostEffect.moves + HostEffect.warm)
        for effect in HostEffect.allCases where !elsewhere.contains(effect) {
            #expect(hit.contains(.effect(effect)), "nothing makes \(effect)")
        }
    }

    private static func check(_ script: CrashScript, _ visit: Visit, _ kind: FaultKind, calm: [String]) async
    {
        let place = "\(script.name): \(kind.rawValue) at \(visit)"
        do {
            let outcome = try await run(script, fault: (visit, kind))
            #expect(outcome.wasMet, "\(place) never came about")
            let difference = outcome.world.difference(from: calm).map(\.line)
            #expect(difference.isEmpty, "\(place)")
        } catch {
            Issue.record("\(place): \(error)")
        }
    }

    private static func run(
        _ script: CrashScript, fault: (visit: Visit, kind: FaultKind)? = nil
    ) async throws -> CrashOutcome {
        try await RealCrashHost.with { host in
            let world = try await CrashWorld(
                database: try SQLiteDatabase(path: "\(host.folder)/strettch.sqlite"),
                host: NeighbouredHost(host: host.machines, underlay: RealCrashHost.otherHost),
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

/// A real host in a folder and a network namespace of its own, which are gone afterwards.
struct RealCrashHost: Sendable {
    let folder: String
    let space: String
    let machines: QEMUHost

    /// On the network between the hosts; so the machines' network has every part that it can have.
    private static let underlay = "192.0.2.1"
    static let otherHost = IPv4Address(0xC000_0202)  // 192.0.2.2

    static func with<Result>(_ body: (RealCrashHost) async throws -> Result) async throws -> Result {
        let name = "cr\(UInt32.random(in: 0...0xFFFFFF))"
        let folder = "/tmp/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        do {
            let host = try await make(name, folder)
            do {
                let result = try await body(host)
                try await host.takeDown()
                return result
            } catch {
                try await host.takeDown()
                throw error
            }
        } catch {
            try FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    private static func make(_ space: String, _ folder: String) async throws -> RealCrashHost {
        try await Command("ip", ["netns", "add", space]).run()
        let enter = ["ip", "netns", "exec", space]
        let uplink = """
            link set lo up
            link add uplink type bridge
            address add \(Self.underlay)/24 dev uplink
            link set uplink up
            route add default dev uplink

            """
        try await Command(enter[0], enter.dropFirst() + ["ip", "-batch", "-"], input: uplink).run()
        try await Command(enter[0], enter.dropFirst() + ["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"]).run()
        let image = "\(folder)/base.qcow2"
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2", image, "1G"]).run()
        var network = BridgedNetwork(
            settings: try NetworkSettings(underlay: Self.underlay), commandPrefix: enter)
        network.announce = { announcements in
            try await NetworkSpace.run(in: space) { try ARPSocket.send(announcements) }
        }
        network.openTap = { tap in try await NetworkSpace.run(in: space) { try TapFile.open(tap) } }
        var settings = QEMUHost.Settings(
            dataDirectory: folder, installationId: space, networkMode: .bridged)
        settings.accelerator = AcceleratorChoice(.tcg, reason: "the same on every host")
        let ready = ReadyImage(disk: image)
        let images = QEMUHost.Images(status: { _ in .ready }, ready: { _ in ready }, check: { _ in })
        let machines = try await QEMUHost.open(settings, images: images, network: network)
        return RealCrashHost(folder: folder, space: space, machines: machines)
    }

    private func takeDown() async throws {
        for id in try await machines.inventory().keys { try await machines.halt(id) }
        try await Command("ip", ["netns", "delete", space]).run()
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Takes the way to a machine's monitor away, so that it can't be asked to end.
    func loseMonitor(of id: Int64) throws {
        try FileManager.default.removeItem(atPath: "\(folder)/machines/\(id)/qmp.sock")
    }

    /// What there is: machines with what they do, files, interfaces, and rules.
    func lines() async throws -> [String] {
        var lines: [String] = []
        for id in try await machines.inventory().keys.sorted() {
            let status = try await machines.status(id)
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/machines/\(id)")
                .sorted()
            lines.append("machine \(id) \(status) \(files)")
        }
        // Which table was made first makes no difference, so they go by their names.
        let tables = try await inside(["nft", "list", "tables"]).sorted().map {
            ["nft", "list"] + $0.split(separator: " ").map(String.init)
        }
        for words in [["ip", "-br", "-4", "address"], ["sysctl", "net.ipv4.ip_forward"]] + tables {
            lines += try await inside(words)
        }
        // Whether a link is up the kernel finds out in its own time.
        let links = try await inside(["ip", "-br", "link"])
        return lines + links.map { String($0.prefix { $0 != " " }) }.sorted()
    }

    private func inside(_ words: [String]) async throws -> [String] {
        try await Command("ip", ["netns", "exec", space] + words).run()
            .standardOutput.split(separator: "\n").map(String.init)
    }
}
