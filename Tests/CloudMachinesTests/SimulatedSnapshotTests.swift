import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("A pretended machine's snapshots")
struct SimulatedSnapshotTests {
    private let snapshot = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 1)

    private func withHosts(_ body: (any MachineHost) async throws -> Void) async throws {
        try await body(SimulatedHost())
        try await withTemporaryFolder { folder in
            try await body(try SimulatedFolderHost(path: folder, networkMode: .bridged))
        }
    }

    private func make(_ host: any MachineHost) async throws -> Machine {
        let machine = try QEMUFixture.machine()
        try await host.makeDisk(machine, from: QEMUFixture.image)
        try await host.makeSeed(machine)
        return machine
    }

    private func take(_ host: any MachineHost, _ machine: Machine) async throws -> SnapshotProgress {
        for _ in 0..<5 {
            let progress = try await host.snapshots.takeSnapshot(snapshot, of: machine)
            guard case .copying = progress else { return progress }
        }
        return .failed("it takes too long")
    }

    private func finish(_ copy: () async throws -> CopyProgress) async throws {
        for _ in 0..<5 where try await copy() == .done { return }
        Issue.record("the copy takes too long")
    }

    @Test("a snapshot is there until it is erased, each call made twice")
    func life() async throws {
        try await withHosts { host in
            let machine = try await make(host)
            for _ in 1...2 {
                let progress = try await take(host, machine)
                #expect(progress == .taken(bytes: 10 << 20, .fileSystem))
                #expect(try await host.snapshots.snapshotIds() == [9])
            }
            for _ in 1...2 { try await host.snapshots.eraseSnapshot(snapshot) }
            #expect(try await host.snapshots.snapshotIds() == [])
        }
    }

    @Test("a machine is made of a snapshot whose own machine is gone, as large as it is to be")
    func machineOfSnapshot() async throws {
        try await withHosts { host in
            let machine = try await make(host)
            _ = try await take(host, machine)
            try await host.erase(5)
            var other = machine
            other.id = 6
            other.storageGb = 30
            for _ in 1...2 { try await finish { try await host.snapshots.makeDisk(other, from: snapshot) } }
            #expect(try await host.parts(of: 6).hasDisk)
            #expect(try await host.parts(of: 5).hasDisk == false)
        }
    }

    @Test("what is not there is not found, and changes nothing")
    func missing() async throws {
        try await withHosts { host in
            let machine = try QEMUFixture.machine()
            await expectNotFound { try await host.snapshots.takeSnapshot(snapshot, of: machine) }
            await expectNotFound { try await host.snapshots.makeDisk(machine, from: snapshot) }
            await expectNotFound { try await host.snapshots.restoreDisk(machine, from: snapshot) }
            _ = try await make(host)
            await expectNotFound { try await host.snapshots.restoreDisk(machine, from: snapshot) }
            #expect(try await host.parts(of: 5).hasDisk)
            _ = try await take(host, machine)
            let other = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 2)
            await expectNotFound { try await host.snapshots.restoreDisk(machine, from: other) }
            try await host.snapshots.dropFormerDisk(5)
            try await host.snapshots.takeBackFormerDisk(5)
            #expect(try await host.parts(of: 5).hasDisk)
        }
    }

    private func expectNotFound<T>(_ call: () async throws -> T) async {
        do {
            _ = try await call()
            Issue.record("nothing was thrown")
        } catch {
            #expect((error as? CloudError)?.code == .resourceNotFound)
        }
    }

    @Test("a disk is not exchanged under a guest")
    func running() async throws {
        try await withHosts { host in
            let machine = try await make(host)
            _ = try await take(host, machine)
            try await host.boot(machine)
            await #expect(throws: QEMUHost.mustBeOff) {
                try await host.snapshots.restoreDisk(machine, from: snapshot)
            }
            await #expect(throws: QEMUHost.mustBeOff) { try await host.snapshots.takeBackFormerDisk(5) }
        }
    }

    @Test("a restore brings what the snapshot has, and can be taken back until the former disk is dropped")
    func restore() async throws {
        let host = SimulatedHost()
        let machine = try await make(host)
        await host.write(5)
        let old = await host.content(5)
        try await host.boot(machine)
        #expect(try await host.takeSnapshot(snapshot, of: machine) == .copying("copying, 0 of 10240 MB"))
        await host.write(5)
        #expect(try await take(host, machine) == .taken(bytes: 10 << 20, .crash))
        let new = await host.content(5)
        #expect(await host.snapshotContent(9) == old)
        #expect(old != new)
        try await host.halt(5)
        for _ in 1...2 { try await finish { try await host.restoreDisk(machine, from: snapshot) } }
        #expect(await host.content(5) == old)
        #expect(await host.formerContent(5) == new)
        for _ in 1...2 { try await host.takeBackFormerDisk(5) }
        #expect(await host.content(5) == new)
        try await finish { try await host.restoreDisk(machine, from: snapshot) }
        for _ in 1...2 { try await host.dropFormerDisk(5) }
        try await host.takeBackFormerDisk(5)
        #expect(await host.content(5) == old)
    }

    @Test("a pretended disk in a folder is exchanged and taken back, whatever a kill has left")
    func folders() async throws {
        try await withTemporaryFolder { folder in
            let host = try SimulatedFolderHost(path: folder, networkMode: .bridged)
            var machine = try await make(host)
            _ = try await take(host, machine)
            machine.storageGb = 20
            try await host.growDisk(machine)
            let disk = { MachineFiles.text("\(folder)/5/disk", limit: 10) }
            _ = try await host.restoreDisk(machine, from: snapshot)
            #expect(disk() == "10")
            try HostFiles.remove("\(folder)/5/disk")
            _ = try await host.restoreDisk(machine, from: snapshot)
            #expect(disk() == "10")
            try await host.takeBackFormerDisk(5)
            #expect(disk() == "20")
            _ = try await host.restoreDisk(machine, from: snapshot)
            try await host.dropFormerDisk(5)
            try await host.takeBackFormerDisk(5)
            #expect(disk() == "10")
        }
    }

    @Test("a copy that a guest's own QEMU makes ends with it, and a whole one stays")
    func guestEnds() async throws {
        let host = SimulatedHost()
        let machine = try await make(host)
        try await host.boot(machine)
        _ = try await host.takeSnapshot(snapshot, of: machine)
        await host.lose(5)
        #expect(await host.snapshotIds() == [])
        try await host.boot(machine)
        _ = try await take(host, machine)
        try await host.halt(5)
        #expect(await host.snapshotIds() == [9])
    }

    @Test("hosts that share their disks share snapshots")
    func shared() async throws {
        let disks = SimulatedDisks()
        let (a, b) = (SimulatedHost(disks: disks), SimulatedHost(disks: disks))
        let machine = try await make(a)
        _ = try await take(a, machine)
        #expect(try await take(b, machine) == .taken(bytes: 10 << 20, .fileSystem))
        #expect(await b.snapshotIds() == [9])
    }
}
