import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Synchronization
import Testing

@testable import CloudAudit

@Suite("What the audit promises of the host")
struct HostInvariantTests {
    /// One way to break the host of a cloud as `Damage` tells of it.
    struct HostDamage: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var findings: [String]
        var make: @Sendable (SimulatedHost) async throws -> Void

        init(
            _ what: String, _ findings: String...,
            make: @escaping @Sendable (SimulatedHost) async throws -> Void
        ) {
            testDescription = what
            self.findings = findings
            self.make = make
        }
    }

    static let damages = [
        HostDamage("a machine ended", "process 1") { await $0.lose(1) },
        HostDamage("a stopped machine runs", "process 2") { try await $0.boot(try await $0.machine(2)) },
        HostDamage("a disk is gone", "disk 2") { await $0.loseDisk(2) },
        HostDamage("a seed is gone", "seed 1") { await $0.loseSeed(1) },
        HostDamage("a tap is gone", "network") { await $0.loseTap(1) },
        HostDamage("a tap is left over", "network") {
            let plan = await $0.plan
            var left = try #require(plan.attachments.first)
            left.computeId = 9
            try await $0.applyNetwork(NetworkPlan(attachments: plan.attachments + [left]))
        },
        HostDamage("a disk of a DESTROYED compute", "no-orphans 3") { await $0.putDisk(3, storageGb: 1) },
        HostDamage("a disk of nobody", "no-orphans 99") { await $0.putDisk(99, storageGb: 1) },
    ]

    @Test("each of these breaks it in one place", arguments: damages)
    func damaged(_ damage: HostDamage) async throws {
        try await TestCloud.withFourComputes { cloud in
            try await damage.make(cloud.host)
            let findings = try await cloud.findings()
            #expect(findings == damage.findings)
        }
    }

    @Test("every promise is broken by a test, so that each can be seen to be looked at")
    func complete() {
        var names = ["held-once", "capacity-is-kept"]  // by tests of their own
        names += DatabaseInvariantTests.damages.flatMap(\.findings)
        names += Self.damages.flatMap(\.findings)
        names += (SnapshotInvariantTests.damages + ImageInvariantTests.damages).flatMap(\.findings)
        let broken = Set(names.compactMap { $0.split(separator: " ").first.map(String.init) })
        #expect(broken == Set(Invariant.allCases.map(\.rawValue)))
    }

    @Test("what is held twice is told once for each thing, whoever holds it")
    func heldTwice() async throws {
        try await TestCloud.withFourComputes { cloud in
            let now = cloud.clock.nowMs
            var snapshot = try await cloud.database.read { sql in try AuditSnapshot(sql, nowMs: now) }
            snapshot.computes[1].compute.privateIpv4 = snapshot.computes[0].compute.privateIpv4
            let settings = AuditSettings(
                privateRange: cloud.cloud.settings.privateRange, publicPool: cloud.cloud.settings.publicPool)
            let findings = snapshot.addressFindings(settings)
            #expect(findings.map(\.invariant) == [.heldOnce, .heldOnce])
            #expect(findings.allSatisfy { $0.what.contains("computes 1, 2") })
        }
    }

    @Test("nothing is amiss while a compute is on its way, before and after each effect")
    func underWay() async throws {
        for operation in SimulatedHost.Operation.allCases {
            for moment in SimulatedHost.Moment.allCases {
                try await TestCloud.with { cloud in
                    for action in [ComputeAction.create, .reboot, .stop, .upsize, .start, .delete] {
                        let fault = OneFault(operation, moment)
                        await cloud.host.set { try fault.meet($0, $1) }
                        _ = try await cloud.act(action, on: "1")
                        try await cloud.work()
                        let findings = try await cloud.findings()
                        #expect(findings == [], "\(action) stumbled \(moment) \(operation)")
                        try await cloud.settle()
                    }
                    let findings = try await cloud.findings()
                    #expect(findings == [])
                }
            }
        }
    }

    @Test("what is over by the second look was a race, and is not told")
    func race() async throws {
        try await TestCloud.withFourComputes { cloud in
            await cloud.host.lose(1)
            let audit = cloud.audit { $0.secondLookAfter = .seconds(3) }
            async let findings = audit.run()
            try await eventually("the audit waits") { cloud.clock.sleeping == 1 }
            try await cloud.host.boot(try await cloud.host.machine(1))
            cloud.clock.advance(milliseconds: 3000)
            #expect(try await findings == [])
        }
    }
}

extension SimulatedHost {
    /// The machine as it was last booted.
    func machine(_ id: Int64) throws -> Machine { try #require(seeds[id]) }
}
