import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// With machines that have no guest, in user mode.
@Suite("Snapshots of what hangs, is gone, or is another's", .timeLimit(.minutes(3)))
struct SnapshotFaultTests {
    @Test("a QEMU that never answers keeps no snapshot from its erase, and no machine from its end")
    func hangs() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            try await lab.host.boot(lab.machine)
            let slow = try await lab.reopened(bytesPerSecond: SnapshotLab.slow)
            try await slow.expectUnderWay()
            let process = try #require(HostProcess(pid: try QEMUFixture.pid(lab.folder, 5)))
            #expect(kill(process.pid, SIGSTOP) == 0)
            try await slow.host.eraseSnapshot(lab.snapshot)
            #expect(try await lab.host.snapshotIds() == [])
            try await lab.host.halt(5)
            #expect(process.isGone)
            try await lab.host.boot(lab.machine)
            lab.expectTaken(try await lab.take())
        }
    }

    @Test("one whose files somebody removes amid the copy can't be had, and QEMU forgets it")
    func removed() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            try await lab.host.boot(lab.machine)
            let slow = try await lab.reopened(bytesPerSecond: SnapshotLab.slow)
            try await slow.expectUnderWay()
            try await Command("rm", ["-rf", lab.directory.path]).run()
            try await lab.speedUp()
            #expect(try await slow.take() == .failed("its files on the host were removed meanwhile"))
            try await lab.expectNothingLeft()
        }
    }

    @Test("the erase of one leaves another of the same id alone; that of an orphan removes whatever is there")
    func anothers() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            lab.expectTaken(try await lab.take())
            try await lab.host.eraseSnapshot(DiskSnapshot(id: 9, machineId: 5, createdAtMs: 2))
            #expect(try await lab.has(1, lab.directory.disk))
            try await lab.host.eraseSnapshot(DiskSnapshot(id: 9, machineId: 0, createdAtMs: 0))
            try await lab.expectNothingLeft()
        }
    }

    @Test("a file that can't be written out is no copy, and the log has the reason")
    func notWritten() async throws {
        let error = await #expect(throws: CloudError.self) { try await DiskCopy.sync(try OpenFile.null()) }
        #expect(error?.code == .serviceUnavailable)
        #expect(error?.detail?.contains("Invalid argument") == true, "\(error?.detail ?? "")")
    }

    @Test("what a guest's QEMU says is cut short, and shown without what is not printable")
    func words() {
        let error = "a\u{1B}[31m\n\u{202E}" + String(repeating: "x", count: 1000)
        let look = SnapshotLook(
            job: SnapshotLook.Job(status: "concluded", error: error), hasTarget: true, isCopied: false)
        #expect(look.next == .fail("the copy failed: a[31m" + String(repeating: "x", count: 195)))
    }
}
