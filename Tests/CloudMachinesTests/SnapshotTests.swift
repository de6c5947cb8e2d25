import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// With machines that have no guest, in user mode.
@Suite("Snapshots of a machine's disk", .timeLimit(.minutes(3)))
struct SnapshotTests {
    @Test(
        "one of a machine that is off has what the disk had; a restore brings it back, and can be taken back")
    func off() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            for _ in 1...2 { lab.expectTaken(try await lab.take()) }
            #expect(try await lab.host.snapshotIds() == [9])
            try await lab.write(2)
            #expect(try await lab.has(1, lab.directory.disk))
            for _ in 1...2 { try await lab.restore() }
            #expect(try await lab.has(1, lab.disk))
            for _ in 1...2 { try await lab.host.takeBackFormerDisk(5) }
            #expect(try await lab.has(2, lab.disk))
            try await lab.restore()
            for _ in 1...2 { try await lab.host.dropFormerDisk(5) }
            try await lab.host.takeBackFormerDisk(5)
            #expect(try await lab.has(1, lab.disk))
            let names = try MachineFiles.names(in: lab.host.directory(5).path).sorted()
            #expect(names == ["disk.qcow2", "disk.qcow2.json", "owner", "seed.iso"])
            try await lab.host.boot(lab.machine)
            for _ in 1...2 { try await lab.host.eraseSnapshot(lab.snapshot) }
            try await lab.expectNothingLeft()
        }
    }

    @Test("one of a machine that runs has the disk of its begin, and is found by the next program")
    func running() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            try await lab.host.boot(lab.machine)
            let slow = try await lab.reopened(bytesPerSecond: SnapshotLab.slow)
            let first = try await slow.host.takeSnapshot(lab.snapshot, of: lab.machine)
            guard case .copying(let text) = first else {
                Issue.record("it does not begin: \(first)")
                return
            }
            #expect(text.hasPrefix("copying, ") && text.hasSuffix(" of 8 MB"), "\(text)")
            #expect(try await lab.host.status(5) == .running)
            let mark = try SnapshotMark.read(lab.directory)
            try await lab.speedUp()
            lab.expectTaken(try await lab.reopened().take())
            #expect(try SnapshotMark.read(lab.directory)?.process == mark?.process, "it did not begin anew")
            try await lab.expectQEMUKnowsNothing()
            #expect(try await lab.has(1, lab.directory.disk))
            await #expect(throws: QEMUHost.mustBeOff) {
                try await lab.host.restoreDisk(lab.machine, from: lab.snapshot)
            }
            await #expect(throws: QEMUHost.mustBeOff) { try await lab.host.takeBackFormerDisk(5) }
        }
    }

    @Test("a machine is made of one, larger, and boots, whatever has become of the first")
    func machineOfSnapshot() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            lab.expectTaken(try await lab.take())
            try await lab.host.erase(5)
            var other = try QEMUFixture.machine(id: 6)
            other.storageGb = 20
            for _ in 1...2 {
                try await lab.finish { try await lab.host.makeDisk(other, from: lab.snapshot) }
            }
            let disk = lab.host.directory(6).disk
            #expect(try MachineDisk.virtualBytes(disk) == 20 << 30)
            #expect(try await lab.has(1, disk))
            try await lab.host.eraseSnapshot(lab.snapshot)
            try await lab.host.makeSeed(other)
            try await lab.host.boot(other)
            #expect(try await lab.host.status(6) == .running)
        }
    }

    @Test("what is not there is not found, and changes nothing")
    func missing() async throws {
        try await SnapshotLab.with { lab in
            let other = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 2)
            for known in [false, true] {
                if known { lab.expectTaken(try await lab.take()) }
                for snapshot in known ? [other] : [lab.snapshot, other] {
                    await expectNotFound { try await lab.host.restoreDisk(lab.machine, from: snapshot) }
                    let machine = try QEMUFixture.machine(id: 6)
                    await expectNotFound { try await lab.host.makeDisk(machine, from: snapshot) }
                }
                try await lab.write(1)
            }
            try await lab.host.dropFormerDisk(5)
            try await lab.host.takeBackFormerDisk(5)
            #expect(try await lab.has(1, lab.disk))
            try await lab.host.erase(5)
            let unborn = DiskSnapshot(id: 10, machineId: 5, createdAtMs: 1)
            await expectNotFound { try await lab.host.takeSnapshot(unborn, of: lab.machine) }
            #expect(try await lab.host.snapshotIds() == [9])
        }
    }

    private func expectNotFound<T>(_ call: () async throws -> T) async {
        do {
            _ = try await call()
            Issue.record("nothing was thrown")
        } catch {
            #expect((error as? CloudError)?.code == .resourceNotFound, "\(error)")
        }
    }

    @Test("what another of the same id has left is set aside")
    func aside() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            lab.expectTaken(try await lab.take())
            try await lab.write(2)
            let other = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 2)
            lab.expectTaken(try await lab.host.takeSnapshot(other, of: lab.machine))
            #expect(try await lab.has(2, lab.directory.disk))
            #expect(try await lab.has(1, "\(lab.directory.path).left-by-1/disk.qcow2"))
            #expect(try await lab.host.snapshotIds() == [9])
        }
    }

    @Test("the erase of one ends its copy, in the guest's QEMU or by a program of ours")
    func eraseAmid() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            let stuck = try await lab.reopened(copyProgram: try await lab.slowProgram())
            try await stuck.expectUnderWay()
            try await stuck.host.eraseSnapshot(lab.snapshot)
            try await lab.expectNothingLeft()
            try await lab.host.boot(lab.machine)
            let slow = try await lab.reopened(bytesPerSecond: SnapshotLab.slow)
            try await slow.expectUnderWay()
            try await slow.host.eraseSnapshot(lab.snapshot)
            try await lab.expectNothingLeft()
            #expect(try await lab.host.status(5) == .running)
        }
    }

    @Test("the erase of a machine ends the copy that makes its disk, and takes the disk that was kept")
    func eraseMachine() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            lab.expectTaken(try await lab.take())
            try await lab.restore()
            let stuck = try await lab.reopened(copyProgram: try await lab.slowProgram())
            let other = try QEMUFixture.machine(id: 6)
            #expect(try await stuck.host.makeDisk(other, from: lab.snapshot) != .done)
            for id in [5, 6] as [Int64] { try await stuck.host.erase(id) }
            #expect(try await lab.host.inventory().isEmpty)
            let cleared = try await lab.reopened()
            try await lab.finish { try await cleared.host.makeDisk(other, from: lab.snapshot) }
        }
    }

    @Test("one whose guest ends, or is started, meanwhile can't be had, and nothing of it is left")
    func guestEnds() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            let stuck = try await lab.reopened(copyProgram: try await lab.slowProgram())
            try await stuck.expectUnderWay()
            try await lab.host.boot(lab.machine)
            #expect(try await stuck.take() == .failed("the machine was started meanwhile"))
            try await lab.expectNothingLeft()
            let slow = try await lab.reopened(bytesPerSecond: SnapshotLab.slow)
            for startsAgain in [false, true] {
                try await slow.expectUnderWay()
                let process = try #require(HostProcess(pid: try QEMUFixture.pid(lab.folder, 5)))
                try process.end()
                try await eventually("the process is gone") { process.isGone }
                if startsAgain { try await lab.host.boot(lab.machine) }
                #expect(try await slow.take() == .failed("the guest ended meanwhile"))
                try await lab.expectNothingLeft()
                try await lab.host.boot(lab.machine)
            }
        }
    }

    @Test("a header that is no header of this disk is not kept")
    func hostile() async throws {
        try await SnapshotLab.with { lab in
            try await lab.write(1)
            try await lab.host.boot(lab.machine)
            let slow = try await lab.reopened(bytesPerSecond: SnapshotLab.slow)
            try await slow.expectUnderWay()
            // As a guest that has broken out would: it names a file of the host's.
            let half = lab.directory.half
            let bytes = try await Command(
                "qemu-img",
                ["create", "-u", "-f", "qcow2", "-F", "raw", "-b"]
                    + ["/etc/shadow", "\(lab.folder)/hostile", "10G"]
            ).run()
            #expect(!bytes.standardOutput.isEmpty)
            let header = MachineFiles.bytes("\(lab.folder)/hostile", limit: 1024) ?? []
            try MachineFiles.overwrite(half, at: 0, with: header)
            try await lab.speedUp()
            #expect(try await lab.take() == .failed("what was copied is no disk of this machine"))
            try await lab.expectNothingLeft()
        }
    }
}
