import CloudCore
import CloudTesting
import QMP
import Testing

@testable import CloudMachines

/// A host with one machine, whose disk is written to by a program of QEMU's own, and a snapshot of it.
struct SnapshotLab: Sendable {
    var host: QEMUHost
    var folder: String
    let machine: Machine
    let snapshot = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 1)

    /// Bytes a second: so slow that a copy is under way for as long as a test needs.
    static let slow: Int64 = 100_000

    /// The beginning of the machine's disk, in MiB, that each write covers.
    private static let written = 8

    var directory: SnapshotDirectory { host.snapshotDirectory(9) }
    var disk: String { host.directory(5).disk }

    static func with<Result>(_ body: (SnapshotLab) async throws -> Result) async throws -> Result {
        try await QEMUFixture.withHost { host, folder in
            let lab = SnapshotLab(host: host, folder: folder, machine: try QEMUFixture.machine())
            try await host.makeDisk(lab.machine, from: QEMUFixture.image)
            try await host.makeSeed(lab.machine)
            return try await body(lab)
        }
    }

    /// As a program that starts anew sees the host.
    func reopened(bytesPerSecond: Int64 = 0, copyProgram: String = "cp") async throws -> SnapshotLab {
        var lab = self
        lab.host = try await QEMUFixture.open(folder, image: ReadyImage(disk: "\(folder)/base.qcow2"))
        lab.host.settings.snapshotBytesPerSecond = bytesPerSecond
        lab.host.settings.copyProgram = copyProgram
        lab.host.settings.copyAttention = .milliseconds(50)
        return lab
    }

    /// Fills the beginning of the machine's disk with a byte.
    func write(_ byte: Int) async throws {
        try await Command("qemu-io", ["-f", "qcow2", "-c", "write -P \(byte) 0 \(Self.written)M", disk]).run()
    }

    /// Whether the beginning of a disk is filled with that byte, and it is sound. Nobody may write to it.
    func has(_ byte: Int, _ path: String) async throws -> Bool {
        try await Command("qemu-img", ["check", "-q", path]).run()
        let output = try await Command(
            "qemu-io", ["-r", "-f", "qcow2", "-c", "read -P \(byte) 0 \(Self.written)M", path]
        ).run()
        return !output.standardOutput.contains("verification failed")
    }

    /// Asks until the snapshot is whole or can't be had.
    func take() async throws -> SnapshotProgress {
        var progress = SnapshotProgress.copying("")
        try await eventually("the snapshot ends") {
            progress = try await host.takeSnapshot(snapshot, of: machine)
            if case .copying = progress { return false }
            return true
        }
        return progress
    }

    func expectUnderWay() async throws {
        let progress = try await host.takeSnapshot(snapshot, of: machine)
        if case .copying = progress { return }
        Issue.record("it is not under way: \(progress)")
    }

    /// Asks until the copy is whole.
    func finish(_ copy: () async throws -> CopyProgress) async throws {
        try await eventually("the copy ends") { try await copy() == .done }
    }

    func restore() async throws { try await finish { try await host.restoreDisk(machine, from: snapshot) } }

    /// - Parameter consistency: `nil`: any.
    func expectTaken(_ progress: SnapshotProgress, _ consistency: SnapshotConsistency? = .crash) {
        guard case .taken(let bytes, let found) = progress, consistency == nil || found == consistency else {
            Issue.record("it is not taken: \(progress)")
            return
        }
        #expect((8 << 20..<10 << 20).contains(bytes), "it takes what was written")
    }

    /// Nothing of the snapshot is on the host, in the guest's QEMU neither.
    func expectNothingLeft() async throws {
        #expect(!MachineFiles.exists(directory.path))
        #expect(try await host.snapshotIds() == [])
        try await expectQEMUKnowsNothing()
    }

    func expectQEMUKnowsNothing() async throws {
        guard try host.hasProcess(5) else { return }
        let look = try await host.monitor(5).snapshot(9) { try await $0.look(isCopied: false) }
        #expect(look == SnapshotLook(job: nil, hasTarget: false, isCopied: false))
        let listing = try await Command("ls", ["-l", "/proc/\(try QEMUFixture.pid(folder, 5))/fd"]).run()
        #expect(!listing.standardOutput.contains("/snapshots/"), "its QEMU has closed it")
    }

    /// A program that never ends, in place of the one that copies.
    func slowProgram() async throws -> String {
        let path = "\(folder)/slow"
        try await MachineFiles.write("#!/bin/sh\nexec sleep 600\n".utf8, to: path, as: nil)
        try HostFiles.setMode(path, 0o755)
        return path
    }

    /// One that finds the disk full.
    func failingProgram() async throws -> String {
        let path = "\(folder)/full"
        let text = "#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n"
        try await MachineFiles.write(text.utf8, to: path, as: nil)
        try HostFiles.setMode(path, 0o755)
        return path
    }
}

extension SnapshotLab {
    /// Lets QEMU copy as fast as it can.
    func speedUp() async throws {
        try await host.monitor(5).move { monitor in
            _ = try await monitor.execute(
                "block-job-set-speed", ["device": "snapshot-9", "speed": .integer(0)])
        }
    }
}
