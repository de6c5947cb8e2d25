import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("A real guest that moves", .timeLimit(.minutes(5)))
struct MoveGuestTests {
    /// What a guest may take to its SSH banner: 5 s on an idle host without KVM.
    private let bootLimit = Duration.seconds(60)
    /// Counts in a process's memory, and writes each number to the disk's file as it comes.
    private let counter = "i=0; while :; do i=$((i+1)); echo $i; usleep 2000; done > /root/numbers"
    /// The line that is not its own number, if any, and how many there are.
    private let gaps = #"awk '$1 != NR { print "gap" NR; exit } END { print NR }' /root/numbers"#

    @Test("goes on where it was, with its processes and files, without a reboot, there and back")
    func guest() async throws {
        let image = try await TinyImage.shared.store().ready(try TinyImage.image())
        try await MoveLab.with(image: image) { lab in
            let key = "\(lab.a.folder)/key"
            try await Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).run()
            let publicKey = try #require(MachineFiles.text("\(key).pub", limit: 1000))
            var here = try QEMUFixture.machine(
                keys: [publicKey.filter { !$0.isNewline }], sshPort: try await QEMUGuestTests.freePort(),
                memoryMb: 192)
            var there = here
            there.attachment.sshPort = try await QEMUGuestTests.freePort()
            try await lab.boot(here)
            try await waitForSSH(lab.a.host, here)
            var login = SSHLogin(port: try #require(here.attachment.sshPort), key: key)
            let bootId = try await login.run("cat /proc/sys/kernel/random/boot_id")
            _ = try await login.run("dd if=/dev/urandom of=/root/blob bs=64k count=64 2>/dev/null && sync")
            let sum = try await login.run("md5sum /root/blob")
            _ = try await login.run("(trap '' HUP; \(counter)) </dev/null >/dev/null 2>&1 &")
            var count = 0

            for back in [false, true] {
                let move = lab.move(here, arriving: there, back: back)
                let arrival = try await move.prepare()
                #expect(arrival.sharesImage)
                let status = try await move.departWholly(to: arrival)
                #expect(status == .switched, "\(status)")
                await #expect(throws: (any Error).self, "it stands still") { try await login.run("true") }
                try await move.finish()
                try await move.expectMoved()
                swap(&here, &there)
                login.port = try #require(here.attachment.sshPort)
                try await waitForSSH(move.destination.host, here)
                #expect(try await login.run("cat /proc/sys/kernel/random/boot_id") == bootId)
                #expect(try await login.run("echo 3 > /proc/sys/vm/drop_caches; md5sum /root/blob") == sum)
                let counted = try await login.run(gaps)
                let number = try #require(Int(counted), "the file is whole: \(counted)")
                #expect(number > count)
                try await eventually("the process goes on") {
                    guard let now = Int(try await login.run(gaps)) else { return false }
                    return now > number
                }
                count = number
            }
        }
    }

    private func waitForSSH(_ host: QEMUHost, _ machine: Machine) async throws {
        try await eventually("the guest answers", within: bootLimit) { await host.answersSSH(machine) }
    }
}
