import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("Snapshots of a real guest's disk", .timeLimit(.minutes(5)))
struct SnapshotGuestTests {
    /// What a guest may take to its SSH banner: 5 s on an idle host without KVM.
    private let bootLimit = Duration.seconds(60)

    @Test(
        """
        taken while the guest writes as fast as it can, one has a file system that mends itself, with what was written \
        before and nothing that came later; a machine that is made of it has that, and so has its own after a restore
        """
    )
    func guest() async throws {
        let image = try await TinyImage.shared.store().ready(try TinyImage.image())
        try await QEMUFixture.withHost(image) { host, folder in
            let (machine, login) = try await Self.make(host, folder)
            try await boot(host, machine)
            _ = try await login.run("echo before > /root/before && sync")
            _ = try await login.run("(trap '' HUP; \(Self.writer)) </dev/null >/dev/null 2>&1 &")
            try await eventually("it writes") {
                try await login.run("cat /root/rounds 2>/dev/null; true") != ""
            }
            let snapshot = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 1)
            var progress = SnapshotProgress.copying("")
            try await eventually("it is taken") {
                progress = try await host.takeSnapshot(snapshot, of: machine)
                if case .copying = progress { return false }
                return true
            }
            guard case .taken(_, .crash) = progress else {
                Issue.record("it is not taken: \(progress)")
                return
            }
            _ = try await login.run("echo after > /root/after && sync")
            try await expectSound(host.snapshotDirectory(9).disk, folder)

            var (other, otherLogin) = try await Self.make(host, folder, id: 6)
            other.storageGb = 12
            #expect(try await host.makeDisk(other, from: snapshot) == .done)
            try await host.makeSeed(other)
            try await boot(host, other)
            otherLogin.key = login.key
            let files = "cat /root/before; test -e /root/after && echo after; cat /sys/block/vda/size"
            #expect(try await otherLogin.run(files) == "before\(12 << 30 / 512)")

            try await host.pressPowerButton(5)
            try await eventually("the guest powers off") { try await host.status(5) == .poweredOff }
            try await host.halt(5)
            let last = DiskSnapshot(id: 10, machineId: 5, createdAtMs: 1)
            guard case .taken(_, .fileSystem) = try await host.takeSnapshot(last, of: machine) else {
                Issue.record("its guest has shut down")
                return
            }
            #expect(try await host.restoreDisk(machine, from: snapshot) == .done)
            try await expectSound(host.directory(5).disk, folder)
            let restored = DiskSnapshot(id: 11, machineId: 5, createdAtMs: 1)
            guard case .taken(_, .crash) = try await host.takeSnapshot(restored, of: machine) else {
                Issue.record("what it is of now was no guest's that has shut down")
                return
            }
            try await host.takeBackFormerDisk(5)
            #expect(try await Self.file("after", of: host.directory(5).disk, folder) == "after")
        }
    }

    /// Overwrites one file again and again, and counts.
    private static let writer = """
        i=0; while :; do i=$((i+1)); yes $i | head -c 4194304 > /root/noise; echo $i >> /root/rounds; done
        """

    static func make(_ host: QEMUHost, _ folder: String, id: Int64 = 5) async throws -> (Machine, SSHLogin) {
        let key = "\(folder)/key"
        if !MachineFiles.exists(key) {
            try await Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).run()
        }
        let publicKey = try #require(MachineFiles.text("\(key).pub", limit: 1000))
        let port = try await QEMUGuestTests.freePort()
        let machine = try QEMUFixture.machine(
            id: id, keys: [publicKey.filter { !$0.isNewline }], sshPort: port, memoryMb: 192)
        return (machine, SSHLogin(port: port, key: key))
    }

    private func boot(_ host: QEMUHost, _ machine: Machine) async throws {
        if !MachineFiles.exists(host.directory(machine.id).disk) {
            try await host.makeDisk(machine, from: QEMUFixture.image)
        }
        try await host.makeSeed(machine)
        try await host.boot(machine)
        try await eventually("the guest answers", within: bootLimit) { await host.answersSSH(machine) }
    }

    /// The disk's own metadata is whole, its file system is once its journal is replayed, and it has the moment's files.
    private func expectSound(_ disk: String, _ folder: String) async throws {
        try await Command("qemu-img", ["check", "-q", disk]).run()
        #expect(try await Self.file("before", of: disk, folder) == "before")
        #expect(try await Self.file("after", of: disk, folder) == "")
    }

    /// What a file in a disk's file system has, after the check that a guest makes at its boot.
    private static func file(_ name: String, of disk: String, _ folder: String) async throws -> String {
        let raw = "\(folder)/raw"
        try await Command("qemu-img", ["convert", "-O", "raw", disk, raw]).run()
        try await Command("/sbin/e2fsck", ["-E", "journal_only", "-p", raw]).run()
        try await Command("/sbin/e2fsck", ["-f", "-n", raw]).run()
        let output = try await Command("/sbin/debugfs", ["-R", "cat /\(name)", raw]).run()
        return output.standardOutput.filter { !$0.isNewline }
    }
}
