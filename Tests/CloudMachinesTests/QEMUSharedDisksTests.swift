import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// With a real QEMU whose disk is empty. The second host has the folder at another place.
@Suite("Hosts that share their disks", .timeLimit(.minutes(2)))
struct QEMUSharedDisksTests {
    @Test("boot a machine from the same disk over the same image, wherever each has the folder mounted")
    func elsewhere() async throws {
        try await withHosts { a, b, folder in
            let machine = try await boot(a)
            let disk = "\(folder)/shared/machines/5/disk.qcow2"
            #expect(MachineFiles.exists(disk) && !MachineFiles.exists("\(folder)/a/machines/5/disk.qcow2"))
            #expect(try await b.disk(machine).base().disk == "\(folder)/other/images/x/base.qcow2")
            try await a.halt(5)
            #expect(try await b.parts(of: 5) == MachineParts(hasDisk: true))
            #expect(try await b.inventory().isEmpty, "nothing was made of it on this host")
            try await b.growDisk(machine)
            try await b.makeSeed(machine)
            try await b.boot(machine)
            #expect(try await b.status(5) == .running)
            #expect(
                try await b.inventory()[5] == MachineParts(hasProcess: true, hasDisk: true, hasSeed: true))
        }
    }

    @Test("never run one machine at once: QEMU's lock is on the disk; what is vacated leaves the disk alone")
    func fenced() async throws {
        try await withHosts { a, b, folder in
            let machine = try await boot(a)
            try await b.makeSeed(machine)
            let error = await #expect(throws: CloudError.self) { try await b.boot(machine) }
            #expect(error?.detail?.contains("lock") == true, "\(error?.detail ?? "")")
            for _ in 0..<2 { try await a.vacate(5) }
            #expect(try await a.status(5) == .absent)
            #expect(try await a.inventory().isEmpty && MachineFiles.names(in: "\(folder)/a/machines") == [])
            try await b.boot(machine)
            #expect(try await b.status(5) == .running)
            try await b.halt(5)
            for _ in 0..<2 { try await b.erase(5) }
            #expect(try MachineFiles.names(in: "\(folder)/shared/machines") == [])
            #expect(try await b.inventory().isEmpty)
        }
    }

    @Test("erase a machine of which nothing is here but its disk")
    func eraseElsewhere() async throws {
        try await withHosts { a, b, folder in
            _ = try await boot(a)
            try await a.halt(5)
            try await b.erase(5)
            #expect(try MachineFiles.names(in: "\(folder)/shared/machines") == [])
            #expect(try await a.parts(of: 5) == MachineParts(hasSeed: true))
        }
    }

    @Test(
        "don't move a machine between each other, which would copy its disk onto itself, and nothing is left of it"
    )
    func noMove() async throws {
        try await withHosts { a, b, folder in
            let machine = try await boot(a)
            let error = await #expect(throws: CloudError.self) {
                _ = try await b.prepareArrival(
                    machine, of: QEMUFixture.image, from: try await a.departure(of: machine),
                    certificate: try await a.moveCertificate())
            }
            #expect(error?.message.contains("both hosts share") == true, "\(error?.message ?? "")")
            try await b.cancelArrival(5)
            #expect(try await b.inventory().isEmpty)
            #expect(MachineFiles.exists("\(folder)/shared/machines/5/disk.qcow2"))
            #expect(try await a.status(5) == .running)
        }
    }

    @Test("have their snapshots too, of which each host makes disks")
    func snapshots() async throws {
        try await withHosts { a, b, folder in
            let machine = try await boot(a)
            let snapshot = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 1)
            guard case .taken = try await a.takeSnapshot(snapshot, of: machine) else {
                Issue.record("it is not taken")
                return
            }
            #expect(MachineFiles.exists("\(folder)/shared/snapshots/9/disk.qcow2"))
            #expect(try await b.snapshotIds() == [9])
            let other = try QEMUFixture.machine(id: 6)
            #expect(try await b.makeDisk(other, from: snapshot) == .done)
            #expect(MachineFiles.exists("\(folder)/shared/machines/6/disk.qcow2"))
            #expect(try await a.disk(other).base() == a.disk(machine).base())
            try await b.eraseSnapshot(snapshot)
            #expect(try await a.snapshotIds() == [])
        }
    }

    @Test("leave a machine alone that is being moved, whatever its compute's host is")
    func moving() async throws {
        try await withHosts { a, _, _ in
            _ = try await boot(a)
            for mark in [a.directory(5).arrival, a.directory(5).departure] {
                try await MachineFiles.write([], to: mark, as: nil)
                try await a.vacate(5)
                #expect(try a.hasProcess(5) && MachineFiles.exists(a.directory(5).seed))
                try await MachineFiles.remove(mark, as: nil)
            }
        }
    }

    @Test("set a disk aside that another compute of the same id has left, and nothing else")
    func aside() async throws {
        try await withHosts { a, _, folder in
            _ = try await boot(a)
            try await a.halt(5)
            var new = try QEMUFixture.machine()
            new.createdAtMs = 2000
            try await a.makeDisk(new, from: QEMUFixture.image)
            let names = try MachineFiles.names(in: "\(folder)/shared/machines").sorted()
            #expect(names == ["5", "5.left-by-0"])
        }
    }

    @Test("agree on the folder's name; one of another cell, and one that is not mounted, is refused")
    func names() async throws {
        try await QEMUFixture.withFolder { folder in
            let missing = #expect(throws: CloudError.self) {
                try SharedDisks(path: "\(folder)/none", installationId: "cell", newName: "n")
            }
            #expect(missing?.message.contains("Mount the storage") == true)
            let names = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try SharedDisks(path: folder, installationId: "cell", newName: "n\(number)").name
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(names.count == 1)
            #expect(try MachineFiles.names(in: folder) == ["store-id"])
            let other = #expect(throws: CloudError.self) {
                try SharedDisks(path: folder, installationId: "other", newName: "n")
            }
            #expect(other?.message.contains("of another cell, cell") == true)
            try await MachineFiles.write([], to: "\(folder)/store-id", as: nil)
            #expect(throws: CloudError.self) {
                try SharedDisks(path: folder, installationId: "cell", newName: "n")
            }
        }
    }

    private func boot(_ host: QEMUHost) async throws -> Machine {
        let machine = try QEMUFixture.machine()
        try await host.makeDisk(machine, from: QEMUFixture.image)
        try await host.makeSeed(machine)
        try await host.boot(machine)
        return machine
    }

    /// Two hosts; what runs at the end is halted.
    private func withHosts(
        _ body: (_ a: QEMUHost, _ b: QEMUHost, _ folder: String) async throws -> Void
    ) async throws {
        try await QEMUFixture.withFolder { folder in
            let images = "\(folder)/shared/images/x"
            try await MachineFiles.makeFolder(images, as: nil)
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", "\(images)/base.qcow2", "1G"]).run()
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/other", withDestinationPath: "\(folder)/shared")
            let a = try await open("\(folder)/a", disks: "\(folder)/shared")
            let b = try await open("\(folder)/b", disks: "\(folder)/other")
            do { try await body(a, b, folder) } catch {
                for host in [a, b] { try await host.halt(5) }
                throw error
            }
            for host in [a, b] { try await host.halt(5) }
        }
    }

    /// Both look at one process table, so each has an installation of its own.
    private func open(_ data: String, disks: String) async throws -> QEMUHost {
        try await MachineFiles.makeFolder(data, as: nil)
        let ready = ReadyImage(disk: "\(disks)/images/x/base.qcow2")
        let images = QEMUHost.Images(status: { _ in .ready }, ready: { _ in ready }, check: { _ in })
        var settings = QEMUHost.Settings(dataDirectory: data, installationId: data, networkMode: .user)
        settings.disks = disks
        settings.accelerator = AcceleratorChoice(.tcg, reason: "the same on every host")
        return try await QEMUHost.open(settings, images: images, network: nil)
    }
}
