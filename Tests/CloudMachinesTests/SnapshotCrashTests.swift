import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// Every change that snapshots make goes wrong once, not made or made, as for a program that ends there; the next one asks
/// for the same again.
@Suite("Crash points of snapshots", .timeLimit(.minutes(3)))
struct SnapshotCrashTests {
    @Test("wherever a program ends, all comes out as if it had not")
    func crashes() async throws {
        try await SnapshotLab.with { lab in
            let stumbles = Stumbles()
            try await lab.write(1)
            try await takes(
                lab, of: nil, [.makeFolder, .markSnapshot, .startCopy, .publishSnapshot], stumbles)
            try await makes(
                lab, [.claimFolder, .dropHalfCopy, .startCopy, .recordDisk, .publishDisk], stumbles)
            try await restores(
                lab, [.startCopy, .markRestore, .keepFormerDisk, .recordDisk, .publishDisk], stumbles)
            try await takesBack(lab, stumbles)
            try await lab.host.eraseSnapshot(lab.snapshot)
            try await lab.host.boot(lab.machine)
            try await takes(
                lab, of: lab.machine,
                [
                    .markSnapshot, .recordDisk, .dropHalfSnapshot, .createSnapshot, .openSnapshot,
                    .startSnapshot,
                    .concludeSnapshot, .dismissSnapshot, .closeSnapshot, .publishSnapshot,
                ], stumbles)
            try await erases(lab, stumbles)
            // A guest that is held still has an agent (GuestAgentTests), and one that shuts down is real (SnapshotGuestTests).
            let elsewhere: Set<HostEffect> = [
                .markFrozen, .freezeGuest, .thawGuest, .dropFrozen, .settleSnapshot, .markShutDown,
            ]
            let missed = Set(HostEffect.snapshots).subtracting(stumbles.met).subtracting(elsewhere)
            #expect(missed.isEmpty, "nothing stumbles at \(missed)")
        }
    }

    private func takes(
        _ lab: SnapshotLab, of guest: Machine?, _ effects: [HostEffect], _ stumbles: Stumbles
    ) async throws {
        for effect in effects {
            for moment in HostEffect.Moment.allCases {
                try await lab.host.eraseSnapshot(lab.snapshot)
                let progress = try await stumbles.meet(effect, moment) { try await lab.reopened().take() }
                lab.expectTaken(progress)
                #expect(try await lab.has(1, lab.directory.disk), "after \(effect), \(moment)")
                let names = try MachineFiles.names(in: lab.directory.path).sorted()
                #expect(names == ["disk.qcow2", "disk.qcow2.json", "snapshot.json"])
                try await lab.expectQEMUKnowsNothing()
            }
        }
    }

    private func makes(_ lab: SnapshotLab, _ effects: [HostEffect], _ stumbles: Stumbles) async throws {
        var machine = try QEMUFixture.machine(id: 6)
        machine.storageGb = 11
        let other = machine
        for effect in effects + [.growDisk] {
            for moment in HostEffect.Moment.allCases {
                try await stumbles.meet(effect, moment) {
                    let lab = try await lab.reopened()
                    try await lab.finish { try await lab.host.makeDisk(other, from: lab.snapshot) }
                }
                let disk = lab.host.directory(6).disk
                #expect(try await lab.has(1, disk), "after \(effect), \(moment)")
                #expect(try MachineDisk.virtualBytes(disk) == 11 << 30)
                let names = try MachineFiles.names(in: lab.host.directory(6).path).sorted()
                #expect(names == ["disk.qcow2", "disk.qcow2.json", "owner"])
                try await lab.host.erase(6)
            }
        }
    }

    private func restores(_ lab: SnapshotLab, _ effects: [HostEffect], _ stumbles: Stumbles) async throws {
        try await lab.write(2)
        for effect in effects {
            for moment in HostEffect.Moment.allCases {
                try await stumbles.meet(effect, moment) { try await lab.reopened().restore() }
                #expect(try await lab.has(1, lab.disk), "after \(effect), \(moment)")
                try await lab.host.takeBackFormerDisk(5)
                #expect(try await lab.has(2, lab.disk), "after \(effect), \(moment)")
            }
        }
        for effect in [HostEffect.dropFormerDisk, .forgetRestore] {
            for moment in HostEffect.Moment.allCases {
                try await lab.restore()
                try await stumbles.meet(effect, moment) { try await lab.reopened().host.dropFormerDisk(5) }
                #expect(try await lab.has(1, lab.disk), "after \(effect), \(moment)")
                #expect(try MachineFiles.names(in: lab.host.directory(5).path).count == 4)
            }
        }
    }

    /// From a restore that was cut short anywhere, too.
    private func takesBack(_ lab: SnapshotLab, _ stumbles: Stumbles) async throws {
        for cut in [HostEffect.startCopy, .markRestore, .keepFormerDisk, .recordDisk, .publishDisk] {
            for effect in [HostEffect.takeBackFormerDisk, .dropHalfCopy, .recordDisk, .forgetRestore] {
                try await lab.write(1)
                await stumbles.stop(after: cut) { try await lab.reopened().restore() }
                let moment = HostEffect.Moment.allCases.randomElement() ?? .before
                try await stumbles.meet(effect, moment, mustPass: false) {
                    try await lab.reopened().host.takeBackFormerDisk(5)
                }
                #expect(try await lab.has(1, lab.disk), "\(effect), \(moment) after \(cut)")
                #expect(try MachineFiles.names(in: lab.host.directory(5).path).count == 4)
            }
        }
    }

    private func erases(_ lab: SnapshotLab, _ stumbles: Stumbles) async throws {
        for effect in [HostEffect.cancelSnapshot, .closeSnapshot, .eraseSnapshot] {
            for moment in HostEffect.Moment.allCases {
                try await lab.host.eraseSnapshot(lab.snapshot)
                await stumbles.stop(after: .startSnapshot) {
                    _ = try await lab.reopened(bytesPerSecond: 1000).take()
                }
                try await stumbles.meet(effect, moment) {
                    try await lab.reopened().host.eraseSnapshot(lab.snapshot)
                }
                try await lab.expectNothingLeft()
            }
        }
    }
}
