import CloudTesting
import Testing

@testable import CloudMachines

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("What a guest prints", .timeLimit(.minutes(1)))
struct ConsoleLogTests {
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
            var log: OpenFile? = try await ConsoleLog.open(warm, pieceBytes: piece)
            try log?.write(Array("first\n".utf8))
            try await eventually("it is there at once") {
                MachineFiles.text(warm.consoleLog, limit: 10) == "first\n"
            }
            #expect(try await MachineFiles.take(warm.path, to: compute.path, as: .takeGuest))
            for number in 0..<100 {
                try log?.write([UInt8](repeating: UInt8(ascii: "x"), count: 990) + Array("\(number)\n".utf8))
            }
            try log?.write(Array("last\n".utf8))
            try await eventually("it has come to the end") {
                MachineFiles.tail(compute.consoleLog, limit: 5) == "last\n"
            }
            #expect(size(compute.consoleLog) <= Int64(piece))
            #expect(size("\(compute.consoleLog).old") == Int64(piece))
            #expect(
                try MachineFiles.names(in: compute.path).sorted() == [
                    "console.log", "console.log.old", "qemu.log",
                ])

            // Who has it open no more ends it: another may go on in its place.
            log = nil
            log = try await ConsoleLog.open(compute, pieceBytes: piece)
            try log?.write(Array("again\n".utf8))
            try await eventually("it goes on") {
                MachineFiles.tail(compute.consoleLog, limit: 6) == "again\n"
            }
            log = nil
        }
    }

    @Test("goes nowhere when its folder is gone, and holds nobody up")
    func gone() async throws {
        try await QEMUFixture.withFolder { folder in
            signal(SIGPIPE, SIG_IGN)  // as QEMU does
            let machine = MachineDirectory(data: folder, id: 7)
            try await MachineFiles.makeFolder(machine.path, as: nil)
            let log = try await ConsoleLog.open(machine, pieceBytes: 1000)
            try await Command("rm", ["-r", machine.path]).run()
            for _ in 0..<8 { try? log.write([UInt8](repeating: 1, count: 500)) }  // the reader may have ended
            #expect(!MachineFiles.exists(machine.path))
        }
    }
}
