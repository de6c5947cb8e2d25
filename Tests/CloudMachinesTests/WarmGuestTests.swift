import CloudCore
import CloudTesting
import Synchronization
import Testing

@testable import CloudMachines

/// With the program's own tiny image, in user mode.
@Suite("A real guest that is booted ahead", .timeLimit(.minutes(5)))
struct WarmGuestTests {
    /// What a guest may take: 5 s on an idle host without KVM.
    private let bootLimit = Duration.seconds(60)
    private let specification = Specification(
        id: "", specification: "S-1C", vcpus: 1, memoryMb: 192, storageGb: 10, priceMonthMilliRwf: 1)

    /// A machine that a guest which is booted ahead can become, and its login.
    private func machine(_ id: Int64, _ folder: String) async throws -> (Machine, SSHLogin) {
        let key = "\(folder)/key"
        if !MachineFiles.exists(key) {
            try await Command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).run()
        }
        let publicKey = try #require(MachineFiles.text("\(key).pub", limit: 1000))
        let port = try await QEMUGuestTests.freePort()
        var machine = try QEMUFixture.machine(
            id: id, keys: [publicKey.filter { !$0.isNewline }], sshPort: port,
            memoryMb: specification.memoryMb)
        (machine.vcpus, machine.storageGb) = (specification.vcpus, specification.storageGb)
        return (machine, SSHLogin(port: port, key: key))
    }

    private func withHost(_ body: (QEMUHost, String) async throws -> Void) async throws {
        let image = try await TinyImage.shared.store().ready(try TinyImage.image())
        try await QEMUFixture.withHost(image) { host, folder in
            do { try await body(host, folder) } catch {
                try await end(host)
                throw error
            }
            try await end(host)
        }
    }

    private func end(_ host: QEMUHost) async throws {
        for guest in try await host.warmGuests() { try await host.discardWarm(guest.number) }
    }

    private func ready(_ host: QEMUHost) async throws -> Int64 {
        let number = try await host.warm(QEMUFixture.image, specification)
        try await eventually("the guest is ready", within: bootLimit) {
            try await host.warmGuests().first { $0.number == number }?.state == .ready
        }
        return number
    }

    private func pid(_ directory: MachineDirectory) -> String? {
        MachineFiles.text(directory.pidFile, limit: 32)?.filter(\.isNumber)
    }

    @Test(
        "it becomes the compute that takes it, wherever a program ends on the way",
        arguments: [
            (HostEffect.Moment.before, [.takeGuest, .fillSeed, .plugNetwork, .openSeed, .wakeGuest]),
            (.after, [.takeGuest, .fillSeed, .plugNetwork, .openSeed]),
            // After the one before, whoever looks at the machine lets it go on.
            (.after, [.wakeGuest]),
        ] as [(HostEffect.Moment, [HostEffect])])
    func crashes(_ moment: HostEffect.Moment, _ effects: [HostEffect]) async throws {
        try await withHost { host, folder in
            let number = try await ready(host)
            let pid = try #require(self.pid(MachineDirectory(data: folder, warm: number)))
            let line = MachineFiles.text("/proc/\(pid)/cmdline", limit: 64 << 10)
            #expect(
                line?.contains("guest=strettch-\(number),") == true, "the operator knows it by its number")
            let (machine, login) = try await machine(7, folder)
            let pitfalls = Pitfalls(effects, moment)
            try await HostEffect.$interruption.withValue({ try pitfalls.pass($0, $1) }) {
                try await pitfalls.insist { try await host.makeDisk(machine, from: QEMUFixture.image) }
                #expect(try await host.warmGuests().isEmpty, "it is taken")
                try await pitfalls.insist { try await host.makeSeed(machine) }
                try await pitfalls.insist { try await host.boot(machine) }
            }
            #expect(pitfalls.left.isEmpty, "nothing passes \(pitfalls.left)")
            try await eventually("the guest answers", within: bootLimit) { await host.answersSSH(machine) }
            #expect(self.pid(MachineDirectory(data: folder, id: 7)) == pid, "the same process")
            #expect(try await login.run("hostname; nproc") == "web-11")
            #expect(try await login.run("cat /sys/class/net/e*/address") == "52:54:0a:00:00:05")
            let damaged = MachineDirectory(data: folder, id: 9)
            try await MachineFiles.makeFolder(damaged.path, as: nil)
            try await MachineFiles.write("{".utf8, to: damaged.warmMark, as: nil)
            let parts = try await host.inventory()
            #expect(
                parts.filter(\.value.hasProcess).keys.sorted() == [7], "a damaged mark hides no other machine"
            )

            // A second machine of the same kind has to boot itself.
            let (second, _) = try await self.machine(8, folder)
            try await host.makeDisk(second, from: QEMUFixture.image)
            #expect(try await host.status(8) == .absent)
        }
    }

    @Test("the machine is stopped and started as any other, keeps its files, and leaves nothing")
    func life() async throws {
        try await withHost { host, folder in
            _ = try await ready(host)
            let readyAt = ContinuousClock.now
            let (machine, login) = try await machine(7, folder)
            try await eventually("it has stood still for longer than clocks are compared") {
                ContinuousClock.now - readyAt > .seconds(4)
            }
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            try await host.boot(machine)
            try await eventually("the guest answers", within: bootLimit) { await host.answersSSH(machine) }
            let before = SystemClock().nowMs / 1000
            let now = try #require(Int64(try await login.run("date +%s")))
            // The hardware clock that the guest asks tells whole seconds.
            #expect(
                (before - 2...SystemClock().nowMs / 1000 + 1).contains(now), "its clock stood still with it")
            let serial = try await login.run(
                "cat /sys/class/dmi/id/product_uuid; echo kept >/root/file; sync")

            try await host.makeSeed(machine)
            try await host.pressPowerButton(7)
            try await eventually("the guest powers off") { try await host.status(7) == .poweredOff }
            try await host.halt(7)
            try await host.makeSeed(machine)
            try await host.boot(machine)
            try await eventually("the guest answers again", within: bootLimit) {
                await host.answersSSH(machine)
            }
            #expect(try await login.run("cat /root/file") == "kept")
            #expect(try await login.run("cat /sys/class/dmi/id/product_uuid") == serial)

            let again = try await QEMUFixture.open(folder, image: ReadyImage(disk: "\(folder)/base.qcow2"))
            #expect(try await again.status(7) == .running, "a program that starts anew finds it")
            try await again.halt(7)
            try await again.erase(7)
            #expect(try await host.inventory().isEmpty)
            #expect(try MachineFiles.names(in: MachineDirectory.allWarm(folder)).isEmpty)
        }
    }

    @Test("one whose process ends before it is told who it is boots as any other machine")
    func fallsBack() async throws {
        try await withHost { host, folder in
            _ = try await ready(host)
            let (machine, login) = try await machine(7, folder)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            let process = try #require(HostProcess(pid: try QEMUFixture.pid(folder, 7)))
            try process.end()
            try await eventually("the process is gone") { process.isGone }
            try await host.boot(machine)
            try await eventually("the guest answers", within: bootLimit) { await host.answersSSH(machine) }
            #expect(try await login.run("hostname") == "web-1")
        }
    }

    @Test(
        "of another kind, or for a seed that does not fit, it is not taken; discarded, nothing of it is left")
    func refuses() async throws {
        try await withHost { host, folder in
            let number = try await ready(host)
            let (machine, _) = try await machine(7, folder)
            var other = machine
            other.memoryMb += 64
            try await host.makeDisk(other, from: QEMUFixture.image)
            try await host.erase(7)
            other = machine
            other.publicKeys = Array(
                repeating: "ssh-ed25519 " + String(repeating: "A", count: 8000), count: 16)
            try await host.makeDisk(other, from: QEMUFixture.image)
            try await host.erase(7)
            #expect(try await host.warmGuests().map(\.number) == [number])
            #expect(
                try await host.warmGuests().first?.kind == host.warmKind(QEMUFixture.image, specification))

            let text = try #require(self.pid(MachineDirectory(data: folder, warm: number)))
            let pid = try #require(Int32(text))
            let process = try #require(HostProcess(pid: pid))
            try await Command("rm", ["-r", MachineDirectory(data: folder, warm: number).path]).run()
            #expect(
                try await host.warmGuests().map(\.state) == [.broken], "a process without a folder is seen")
            try await host.discardWarm(number)
            try await host.discardWarm(number)
            #expect(process.isGone)
            #expect(try await host.warmGuests().isEmpty)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            #expect(try await host.status(7) == .absent)
        }
    }

    @Test("it moves to another host while it runs")
    func moves() async throws {
        let image = try await TinyImage.shared.store().ready(try TinyImage.image())
        try await MoveLab.with(image: image) { lab in
            _ = try await ready(lab.a.host)
            let (here, login) = try await machine(7, lab.a.folder)
            try await lab.boot(here)
            try await eventually("the guest answers", within: bootLimit) { await lab.a.host.answersSSH(here) }
            let bootId = try await login.run("cat /proc/sys/kernel/random/boot_id")
            var there = here
            there.attachment.sshPort = try await QEMUGuestTests.freePort()
            try await lab.move(here, arriving: there).run()
            try await eventually("the guest answers", within: bootLimit) {
                await lab.b.host.answersSSH(there)
            }
            let moved = SSHLogin(port: try #require(there.attachment.sshPort), key: login.key)
            #expect(try await moved.run("cat /proc/sys/kernel/random/boot_id") == bootId)
        }
    }
}

/// Each of these changes goes wrong once, at the moment.
private final class Pitfalls: Sendable {
    struct Crash: Error {}

    private let moment: HostEffect.Moment
    private let state: Mutex<[HostEffect]>

    init(_ effects: [HostEffect], _ moment: HostEffect.Moment) {
        self.moment = moment
        state = Mutex(effects)
    }

    var left: [HostEffect] { state.withLock { $0 } }

    func pass(_ effect: HostEffect, _ moment: HostEffect.Moment) throws {
        guard moment == self.moment else { return }
        let isDue = state.withLock { left in
            guard let index = left.firstIndex(of: effect) else { return false }
            left.remove(at: index)
            return true
        }
        if isDue { throw Crash() }
    }

    /// Asks again after each crash.
    func insist(_ body: () async throws -> Void) async throws {
        while true {
            do { return try await body() } catch is Crash { continue }
        }
    }
}
