import CloudTesting
import Testing

@testable import CloudMachines

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("What a machine prints", .timeLimit(.minutes(1)))
struct MachineOutputTests {
    private func size(_ path: String) -> Int64 { HostFiles.stamp(path)?.size ?? -1 }

    @Test(
        "is kept to its last one to two pieces by what needs no server, also when the folder gets another name"
    )
    func pieces() async throws {
        try await QEMUFixture.withFolder { folder in
            try await MachineFiles.makeFolder(MachineDirectory.allWarm(folder), as: nil)
            let warm = MachineDirectory(data: folder, warm: 1)
            let compute = MachineDirectory(data: folder, id: 7)
            try await MachineFiles.makeFolder(warm.path, as: nil)
            try await MachineFiles.makeFolder(MachineDirectory.all(folder), as: nil)
            let piece = 10_000
            var output: MachineOutput? = try await MachineOutput.open(warm, group: nil, pieceBytes: piece)
            try output?.console.write(Array("first\n".utf8))
            try await eventually("it is there at once") {
                MachineFiles.text(warm.consoleLog, limit: 10) == "first\n"
            }
            #expect(try await MachineFiles.take(warm.path, to: compute.path, as: .takeGuest))
            for number in 0..<100 {
                let line = [UInt8](repeating: UInt8(ascii: "x"), count: 990) + Array("\(number)\n".utf8)
                try output?.console.write(line)
                try output?.qemu.write(line)
            }
            try output?.console.write(Array("last\n".utf8))
            try output?.qemu.write(Array("words\n".utf8))
            let end = try #require(output?.end)
            output = nil
            try await MachineOutput.wait(end)
            #expect(MachineFiles.tail(compute.consoleLog, limit: 5) == "last\n")
            #expect(MachineFiles.tail(compute.qemuLog, limit: 6) == "words\n")
            for log in [compute.consoleLog, compute.qemuLog] {
                #expect(size(log) <= Int64(piece))
                #expect(size("\(log).old") == Int64(piece))
            }
            #expect(try MachineFiles.names(in: compute.path).count == 4)

            // Another goes on in its place.
            output = try await MachineOutput.open(compute, group: nil, pieceBytes: piece)
            try output?.console.write(Array("again\n".utf8))
            try await eventually("it goes on") {
                MachineFiles.tail(compute.consoleLog, limit: 6) == "again\n"
            }
            // Who keeps the logs writes into the folder until then, which is removed.
            let last = try #require(output?.end)
            output = nil
            try await MachineOutput.wait(last)
        }
    }

    @Test("goes nowhere when its folder is gone, and holds nobody up")
    func gone() async throws {
        try await QEMUFixture.withFolder { folder in
            signal(SIGPIPE, SIG_IGN)  // as QEMU does
            let machine = MachineDirectory(data: folder, id: 7)
            try await MachineFiles.makeFolder(machine.path, as: nil)
            let output = try await MachineOutput.open(machine, group: nil, pieceBytes: 1000)
            try await Command("rm", ["-r", machine.path]).run()
            for _ in 0..<8 {
                for file in [output.console, output.qemu] {
                    try? file.write([UInt8](repeating: 1, count: 500))  // the reader may have ended
                }
            }
            #expect(!MachineFiles.exists(machine.path))
        }
    }

    @Test("by its QEMU is bounded as well, whoever writes it, and is read by what is in the machine's group")
    func qemu() async throws {
        try await QEMUFixture.withHost { host, folder in
            let group = "\(folder)/group"
            try await MachineFiles.makeFolder(group, as: nil)
            let directory = MachineDirectory(data: folder, id: 5)
            let machine = try QEMUFixture.machine()
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            var launch = try await host.launch(machine)
            launch.group = group
            _ = try await launch.start(host.program(as: 5), directory)
            try await eventually("it runs") { try await host.status(5) == .running }
            // A QEMU that its guest has broken out of has these open.
            let standardError = "/proc/\(try QEMUFixture.pid(folder, 5))/fd/2"
            try await Command("dd", ["if=/dev/zero", "of=\(standardError)", "bs=64K", "count=80"]).run()
            try await eventually("it is read") { size(directory.qemuLog) < MachineOutput.pieceBytes }
            #expect(size("\(directory.qemuLog).old") == Int64(MachineOutput.pieceBytes))
            #expect(MachineFiles.exists("\(group)/cgroup.procs"))
        }
    }
}
