import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("A machine's folder", .timeLimit(.minutes(2)))
struct QEMUClaimTests {
    @Test("is its own compute's again after a crash at any point, with the disk that is there")
    func same() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try compute(createdAtMs: 1000)
            let directory = MachineDirectory(data: folder, id: 5)
            // Cut off before the owner was written, and after it.
            try await MachineFiles.makeFolder(directory.path, as: nil)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await MachineFiles.remove(directory.disk, as: nil)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            let made = try MachineDisk.virtualBytes(directory.disk)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            #expect(try MachineDisk.virtualBytes(directory.disk) == made)
            #expect(try MachineFiles.names(in: "\(folder)/machines") == ["5"])
        }
    }

    @Test("of a compute from before folders had owners keeps its disk")
    func unowned() async throws {
        try await QEMUFixture.withHost { host, folder in
            let directory = MachineDirectory(data: folder, id: 5)
            try await host.makeDisk(try compute(createdAtMs: 1000), from: QEMUFixture.image)
            try await MachineFiles.remove(directory.owner, as: nil)
            let before = MachineFiles.bytes(directory.disk, limit: 1 << 20)
            try await host.makeDisk(try compute(createdAtMs: 2000), from: QEMUFixture.image)
            #expect(MachineFiles.bytes(directory.disk, limit: 1 << 20) == before)
            #expect(MachineFiles.text(directory.owner, limit: 32) == "2000")
        }
    }

    @Test(
        "is set aside, its machine ended, when a new compute has the id of another: no disk is adopted or lost"
    )
    func other() async throws {
        try await QEMUFixture.withHost { host, folder in
            let directory = MachineDirectory(data: folder, id: 5)
            let old = try compute(createdAtMs: 1000)
            try await host.makeDisk(old, from: QEMUFixture.image)
            try await host.makeSeed(old)
            try await host.boot(old)
            let before = MachineFiles.bytes(directory.disk, limit: 1 << 20)

            let new = try compute(createdAtMs: 2000)
            for _ in 0..<2 { try await host.makeDisk(new, from: QEMUFixture.image) }
            #expect(try await host.status(5) == .absent, "the new compute's machine is not the old one's")
            #expect(!MachineFiles.exists(directory.seed))
            #expect(MachineFiles.text(directory.owner, limit: 32) == "2000")
            let aside = "\(folder)/machines/5.left-by-1000/disk.qcow2"
            #expect(MachineFiles.bytes(aside, limit: 1 << 20) == before)
            #expect(try await host.inventory().keys.sorted() == [5])
            try await host.erase(5)
            #expect(MachineFiles.exists(aside))
        }
    }

    @Test("and its process are found without a host, as a restore looks for them")
    func remains() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try compute(createdAtMs: 1000)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await MachineFiles.makeFolder(MachineDirectory(data: folder, id: 7).path, as: nil)
            let stopped = try MachineRemains(dataDirectory: folder, installationId: folder)
            #expect(stopped.folders == [5, 7] && stopped.disks == [5] && stopped.processes.isEmpty)
            try await host.makeSeed(machine)
            try await host.boot(machine)
            let running = try MachineRemains(dataDirectory: folder, installationId: folder)
            #expect(running.processes == [5])
            let other = try MachineRemains(dataDirectory: folder, installationId: "other")
            #expect(other.processes.isEmpty)
            let nowhere = try MachineRemains(dataDirectory: "\(folder)/none", installationId: folder)
            #expect(nowhere.folders.isEmpty)
        }
    }

    private func compute(createdAtMs: Int64) throws -> Machine {
        var machine = try QEMUFixture.machine()
        machine.createdAtMs = createdAtMs
        return machine
    }
}
