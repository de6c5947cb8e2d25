import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// With machines that have no guest, in user mode.
@Suite("Snapshots on a disk that is full", .timeLimit(.minutes(3)))
struct SnapshotSpaceTests {
    @Test("a copy that would take the host's reserve is refused, and nothing of it is left")
    func noRoom() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            lab.expectTaken(try await lab.take())
            let full = lab.host.full
            let other = DiskSnapshot(id: 10, machineId: 5, createdAtMs: 1)
            for runs in [false, true] {
                if runs { try await lab.host.boot(lab.machine) }
                guard case .failed(let why) = try await full.takeSnapshot(other, of: lab.machine) else {
                    Issue.record("it is taken")
                    return
                }
                #expect(why.hasPrefix("the host's disk has no room for a copy of 8 MiB: "), "\(why)")
                #expect(try await lab.host.snapshotIds() == [9])
            }
            try await lab.host.halt(5)
            await expect(.unprocessableEntity) {
                try await full.restoreDisk(lab.machine, from: lab.snapshot)
            }
            await expect(.unprocessableEntity) {
                try await full.makeDisk(QEMUFixture.machine(id: 6), from: lab.snapshot)
            }
            #expect(try await lab.has(1, lab.disk))
        }
    }

    @Test("a copy that finds the disk full, or the reserve taken, ends, and nothing of it is left")
    func becomesFull() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            let failing = try await lab.reopened(copyProgram: try await lab.failingProgram())
            guard case .failed(let why) = try await failing.take() else {
                Issue.record("it is taken")
                return
            }
            #expect(!why.contains("No space left"), "the host's own words are for the log: \(why)")
            #expect(why.hasPrefix("The disk could not be copied on the host. "), "\(why)")
            try await lab.expectNothingLeft()
            var stuck = try await lab.reopened(copyProgram: try await lab.slowProgram())
            for runs in [false, true] {
                if runs {
                    try await lab.host.boot(lab.machine)
                    stuck = try await lab.reopened(bytesPerSecond: SnapshotLab.slow)
                }
                try await stuck.expectUnderWay()
                stuck.host = stuck.host.full
                guard case .failed(let why) = try await stuck.take() else {
                    Issue.record("it is taken")
                    return
                }
                #expect(why.hasPrefix("the host's disk has become full"), "\(why)")
                try await lab.expectNothingLeft()
            }
            try await lab.host.halt(5)
            lab.expectTaken(try await lab.take())
            await expect(.serviceUnavailable) {
                try await failing.host.restoreDisk(lab.machine, from: lab.snapshot)
            }
            stuck = try await lab.reopened(copyProgram: try await lab.slowProgram())
            _ = try await stuck.host.restoreDisk(lab.machine, from: lab.snapshot)
            await expect(.unprocessableEntity) {
                try await stuck.host.full.restoreDisk(lab.machine, from: lab.snapshot)
            }
            try await lab.host.takeBackFormerDisk(5)
            let names = try MachineFiles.names(in: lab.host.directory(5).path).sorted()
            #expect(
                names == ["console.log", "disk.qcow2", "disk.qcow2.json", "owner", "qemu.log", "seed.iso"])
        }
    }

    private func expect<T>(_ code: ErrorCode, _ call: () async throws -> T) async {
        do {
            _ = try await call()
            Issue.record("nothing was thrown")
        } catch {
            #expect((error as? CloudError)?.code == code, "\(error)")
        }
    }

    @Test("a file system that is full ends the copy by the guest's QEMU", .enabled(if: geteuid() == 0))
    func fullFileSystem() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            let snapshots = "\(lab.folder)/snapshots"
            try await MachineFiles.makeFolder(snapshots, as: nil)
            try await Command("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", snapshots]).run()
            do {
                try await lab.host.boot(lab.machine)
                guard case .failed(let why) = try await lab.take() else {
                    Issue.record("it is taken")
                    return
                }
                #expect(why == "the copy failed: No space left on device")
                try await lab.expectNothingLeft()
                #expect(try await lab.host.status(5) == .running)
            } catch {
                try await Command("umount", [snapshots]).run()
                throw error
            }
            try await Command("umount", [snapshots]).run()
        }
    }
}
