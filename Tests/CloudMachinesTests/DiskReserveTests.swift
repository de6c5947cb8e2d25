import CloudCore
import Foundation
import QMP
import Synchronization
import Testing

@testable import CloudMachines

@Suite("The reserve of a host's disk")
struct DiskReserveTests {
    private static let gib: UInt64 = 1 << 30

    @Test(
        "is a fiftieth of the file system, from 1 to 4 GiB, and a tenth at most",
        arguments: [
            (2 * gib, 2 * gib / 10), (10 * gib, 1 * gib), (80 * gib, 80 * gib / 50), (252 * gib, 4 * gib),
            (9000 * gib, 4 * gib),
        ])
    func size(_ size: UInt64, reserve: UInt64) {
        #expect(DiskReserve(ofFileSystem: size).bytes == reserve)
    }

    @Test("holds those who write much when it is touched, and whoever grows at all when half of it is gone")
    func allowance() {
        let reserve = DiskReserve(bytes: 1000)
        #expect(reserve.allowance(free: 1000) == .max)
        #expect(reserve.allowance(free: 999) == 8 << 20)
        #expect(reserve.allowance(free: 500) == 8 << 20)
        #expect(reserve.allowance(free: 499) == 0)
        #expect(reserve.goesOnAt == 1125)
    }

    @Test("is looked at so often that a guest that writes 4 GiB/s takes no more between two looks")
    func interval() {
        #expect(DiskReserve(bytes: .max).lookInterval == .milliseconds(250))
        #expect(DiskReserve(bytes: 4 << 30).lookInterval == .milliseconds(250))
        #expect(DiskReserve(bytes: 1 << 30).lookInterval == .milliseconds(250))
        #expect(DiskReserve(bytes: 150 << 20).lookInterval == .milliseconds(36))
        #expect(DiskReserve(bytes: 1 << 20).lookInterval == .milliseconds(20))
    }

    @Test("compares each look with the one before, and knows nothing at the first")
    func growth() {
        let growth = DiskGrowth()
        #expect(growth.grown([1: 10, 2: 10], allowance: 0) == [])
        #expect(growth.grown([1: 15, 2: 10, 3: 99], allowance: 0) == [1])
        #expect(growth.grown([1: 20, 2: 5, 3: 105], allowance: 5) == [3])
        #expect(growth.grown([1: 20], allowance: 0) == [])
        growth.forget()
        #expect(growth.grown([1: 99], allowance: 0) == [])
    }

    @Test("says what is free where a folder is, and why it can't")
    func space() throws {
        let space = try DiskSpace(at: "/")
        #expect(space.free > 0 && space.free <= space.size)
        let error = #expect(throws: CloudError.self) { try DiskSpace(at: "/nothing") }
        #expect(error?.code == .serviceUnavailable)
    }

    @Test(
        "refuses new disks below it, holds a machine that grows, and lets it go again, also after a restart")
    func held() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try await host.bootEmpty(5)
            #expect(try await host.keepReserve()?.held == [])

            let full = host.full
            let error = await #expect(throws: CloudError.self) {
                try await full.makeDisk(try QEMUFixture.machine(id: 6), from: QEMUFixture.image)
            }
            #expect(error?.message.contains("The host's disk is full") == true)
            #expect(try await full.keepReserve()?.held == [], "the first look knows nothing")
            try await Command("truncate", ["-s", "+1M", host.directory(5).disk]).run()
            #expect(try await full.keepReserve()?.held == [], "a hole takes no space")
            try host.growDisk(5)
            #expect(try await full.keepReserve()?.held == [5])
            #expect(try await full.status(5) == .outOfSpace)
            try await full.boot(machine)
            #expect(try await full.status(5) == .outOfSpace, "a start leaves it held")

            let restarted = try await QEMUFixture.open(
                folder, image: ReadyImage(disk: "\(folder)/base.qcow2"))
            #expect(try await restarted.status(5) == .outOfSpace)
            #expect(try await restarted.status(5) == .running)
            #expect(!MachineFiles.exists(host.directory(5).hold))
            try await full.halt(5)
            #expect(try await full.status(5) == .absent)
        }
    }
    @Test(
        "lets nobody look at a guest that is being held, or whose mark goes, who could take the mark for an old one"
    )
    func alone() async throws {
        try await QEMUFixture.withHost { host, _ in
            try await host.bootEmpty(5)
            let marked = Mutex<[HostEffect]>([])
            func meddling<T>(_ body: () async throws -> T) async throws -> T {
                try await HostEffect.$interruption.withValue({ effect, moment in
                    guard [.markHold, .holdGuest, .dropHold].contains(effect) else { return }
                    marked.withLock { $0.append(effect) }
                    let monitor = host.process(5).monitor
                    let mark = HoldMark(path: host.directory(5).hold)
                    await #expect(throws: QMPError.self, "\(moment) \(effect)") {
                        try await monitor.look(
                            within: .milliseconds(50), isToCome: false, mark: mark, mayGoOn: { true })
                    }
                }) { try await body() }
            }
            _ = try await host.full.keepReserve()
            try host.growDisk(5)
            #expect(try await meddling { try await host.full.keepReserve()?.held } == [5])
            #expect(try await host.status(5) == .outOfSpace, "its mark is there, so it goes on")
            #expect(try await meddling { try await host.status(5) } == .running)
            #expect(
                marked.withLock { $0 } == [
                    .markHold, .markHold, .holdGuest, .holdGuest, .dropHold, .dropHold,
                ])
        }
    }

    @Test("holds the other guests when one can't be held")
    func others() async throws {
        try await QEMUFixture.withHost { host, _ in
            for id: Int64 in [5, 6] { try await host.bootEmpty(id) }
            _ = try await host.full.keepReserve()
            for id: Int64 in [5, 6] { try host.growDisk(id) }
            let first = Mutex(true)
            await #expect(throws: CloudError.self) {
                try await HostEffect.$interruption.withValue({ effect, moment in
                    guard effect == .markHold, moment == .before else { return }
                    let isFirst = first.withLock { first in
                        defer { first = false }
                        return first
                    }
                    if isFirst { throw CloudError(.serviceUnavailable, "a planted fault") }
                }) { try await host.full.keepReserve() }
            }
            #expect(try await host.full.status(5) == .running)
            #expect(try await host.full.status(6) == .outOfSpace)
        }
    }
}

extension QEMUHost {
    /// Starts a machine with an empty disk.
    @discardableResult
    fileprivate func bootEmpty(_ id: Int64) async throws -> Machine {
        let machine = try QEMUFixture.machine(id: id)
        try await makeDisk(machine, from: QEMUFixture.image)
        try await makeSeed(machine)
        try await boot(machine)
        return machine
    }

    /// Lets its disk take more, behind the end of what QEMU looks at.
    fileprivate func growDisk(_ id: Int64) throws {
        let file = try #require(FileHandle(forWritingAtPath: directory(id).disk))
        _ = try file.seekToEnd()
        try file.write(contentsOf: Data(repeating: 7, count: 1_000_000))
        try file.close()
    }
}
