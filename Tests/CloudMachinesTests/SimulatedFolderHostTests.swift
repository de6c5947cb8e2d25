import CloudCore
import CloudTesting
import FoundationEssentials
import Testing

@testable import CloudMachines

@Suite("Pretended machines in a folder")
struct SimulatedFolderHostTests {
    private let image = QEMUFixture.image

    /// A host, and one that a program which starts anew opens over the same folder.
    private func with(
        _ body: (_ host: SimulatedFolderHost, _ next: SimulatedFolderHost, String) async throws -> Void
    )
        async throws
    {
        try await withTemporaryFolder { folder in
            try await body(
                SimulatedFolderHost(path: folder, networkMode: .bridged),
                SimulatedFolderHost(path: folder, networkMode: .bridged), folder)
        }
    }

    @Test("the next program finds a machine as it was, and takes it through the rest of its life")
    func outlives() async throws {
        try await with { host, next, folder in
            let machine = try QEMUFixture.machine()
            try await host.makeDisk(machine, from: image)
            try await host.makeSeed(machine)
            try await host.applyNetwork(NetworkPlan(attachments: [machine.attachment]))
            try await host.boot(machine)
            #expect(try next.inventory().keys.sorted() == [5])
            #expect(try await next.status(5) == .running)
            #expect(await next.answersSSH(machine))
            let running = await #expect(throws: CloudError.self) { try await next.erase(5) }
            #expect(running?.code == .conflict)
            try await next.pressPowerButton(5)
            #expect(try await host.status(5) == .poweredOff)
            for _ in 1...2 { try await next.halt(5) }
            #expect(try await host.status(5) == .absent)
            try await next.applyNetwork(NetworkPlan(attachments: []))
            for _ in 1...2 { try await next.erase(5) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["network"])
            #expect(FileManager.default.contents(atPath: "\(folder)/network") == Data())
        }
    }

    @Test("a guest answers only while it runs and has the place in the network that it was given")
    func answers() async throws {
        try await with { host, _, folder in
            let machine = try QEMUFixture.machine()
            try await host.makeDisk(machine, from: image)
            try await host.makeSeed(machine)
            try await host.boot(machine)
            #expect(await !host.answersSSH(machine), "it is not attached")
            var elsewhere = machine.attachment
            elsewhere.privateIpv4 = try #require(IPv4Address("10.0.0.6"))
            try await host.applyNetwork(NetworkPlan(attachments: [elsewhere]))
            #expect(await !host.answersSSH(machine), "it is attached with another address")
            try await host.applyNetwork(NetworkPlan(attachments: [machine.attachment]))
            #expect(await host.answersSSH(machine))
            try FileManager.default.removeItem(atPath: "\(folder)/5/process")
            #expect(try await host.status(5) == .absent, "who removes the file crashes the machine")
            #expect(await !host.answersSSH(machine))
        }
    }

    @Test("a disk grows and never shrinks, is kept when it is there, and is not made by a resize")
    func disk() async throws {
        try await with { host, _, folder in
            var machine = try QEMUFixture.machine()
            await #expect(throws: CloudError.self) { try await host.growDisk(machine) }
            try await host.makeDisk(machine, from: image)
            for (gb, wanted) in [(20, "20"), (5, "20")] {
                machine.storageGb = gb
                try await host.growDisk(machine)
                try await host.makeDisk(machine, from: image)
                #expect(MachineFiles.text("\(folder)/5/disk", limit: 10) == wanted)
            }
        }
    }

    @Test("a machine without disk or seed does not boot, and what a killed program half wrote is no disk")
    func halves() async throws {
        try await with { host, _, folder in
            let machine = try QEMUFixture.machine()
            await #expect(throws: CloudError.self) { try await host.boot(machine) }
            try await host.makeSeed(machine)
            try await MachineFiles.write("1".utf8, to: "\(folder)/5/disk.new", as: nil)
            await #expect(throws: CloudError.self) { try await host.boot(machine) }
            try await host.makeDisk(machine, from: image)
            try await host.boot(machine)
            #expect(try await host.status(5) == .running)
        }
    }
}
