import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("An image of a real guest's disk", .timeLimit(.minutes(5)))
struct ImageGuestTests {
    /// What a guest may take to its SSH banner: 5 s on an idle host without KVM.
    private let bootLimit = Duration.seconds(60)

    @Test("a guest that is made of it has what the first one wrote, and is one of its own")
    func guest() async throws {
        let base = try await TinyImage.shared.store().ready(try TinyImage.image())
        try await ImageLab.with(base: base) { lab in
            let (machine, login) = try await SnapshotGuestTests.make(lab.host, lab.folder)
            try await lab.host.makeDisk(machine, from: QEMUFixture.image)
            try await boot(lab, machine)
            _ = try await login.run("echo written > /root/file && sync")
            try await lab.host.pressPowerButton(5)
            try await eventually("the guest powers off") { try await lab.host.status(5) == .poweredOff }
            try await lab.host.halt(5)

            let made = try await lab.expectMade(.disk(machineId: 5, createdAtMs: machine.createdAtMs))
            try await lab.host.erase(5)
            let image = lab.cell(made)
            try await lab.store.prepare(image)
            #expect(try await lab.store.ready(image).kernel?.commandLine == base.kernel?.commandLine)
            let (other, otherLogin) = try await SnapshotGuestTests.make(lab.host, lab.folder, id: 6)
            try await lab.host.makeDisk(other, from: image)
            try await boot(lab, other)
            #expect(try await otherLogin.run("cat /root/file") == "written")
        }
    }

    private func boot(_ lab: ImageLab, _ machine: Machine) async throws {
        try await lab.host.makeSeed(machine)
        try await lab.host.boot(machine)
        try await eventually("SSH answers", within: bootLimit) { await lab.host.answersSSH(machine) }
    }
}
