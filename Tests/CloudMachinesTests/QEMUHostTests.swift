import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// With a real QEMU whose disk is empty: its firmware finds nothing to boot, and it runs all the same.
@Suite("A host with QEMU", .timeLimit(.minutes(2)))
struct QEMUHostTests {
    /// A machine with disk and seed that has been booted.
    private func boot(_ host: QEMUHost, id: Int64 = 5) async throws -> Machine {
        let machine = try QEMUFixture.machine(id: id)
        try await host.makeDisk(machine, from: QEMUFixture.image)
        try await host.makeSeed(machine)
        try await host.boot(machine)
        return machine
    }

    @Test("a machine boots once, is halted, erased, and then nothing is left of it; each of these twice")
    func life() async throws {
        try await QEMUFixture.withHost { host, folder in
            #expect(try await host.status(5) == .absent)
            #expect(try await host.inventory().isEmpty)
            let machine = try await boot(host)
            #expect(try await host.status(5) == .running)
            let pid = try QEMUFixture.pid(folder, 5)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            try await host.boot(machine)
            #expect(try QEMUFixture.pid(folder, 5) == pid)
            #expect(try await host.inventory().keys.sorted() == [5])
            let running = await #expect(throws: CloudError.self) { try await host.erase(5) }
            #expect(running?.code == .conflict)

            for _ in 1...2 { try await host.halt(5) }
            #expect(try await host.status(5) == .absent)
            #expect(HostProcess(pid: pid).map(\.isGone) ?? true)
            #expect(try await host.inventory().keys.sorted() == [5])
            for _ in 1...2 { try await host.erase(5) }
            #expect(try await host.inventory().isEmpty)
            #expect(try MachineFiles.names(in: "\(folder)/machines") == [])
        }
    }

    @Test("a machine is not started over an image that is damaged")
    func damagedImage() async throws {
        let damaged = CloudError(.serviceUnavailable, "The image under the compute's disk is damaged.")
        try await QEMUFixture.withHost(check: { _ in throw damaged }) { host, _ in
            let error = await #expect(throws: CloudError.self) { _ = try await boot(host) }
            #expect(error == damaged)
            let status = try await host.status(5)
            #expect(status == .absent)
        }
    }

    @Test("a process that shows no command line for a moment, as when it becomes QEMU, is waited for")
    func becomingQEMU() async throws {
        try await withTemporaryFolder { folder in
            let program = "\(folder)/slow"
            // Keeps its arguments in a file, and out of sight, until it becomes QEMU.
            let script = """
                #!/bin/bash
                if [ "$1" = --version ]; then exec qemu-system-x86_64 --version; fi
                printf '%s\\0' "$@" >'\(folder)/arguments'
                exec '\(folder)/hidden'
                """
            let hidden = """
                #!/bin/bash
                read -r -t 0.06 <> <(:)
                mapfile -d '' -t arguments <'\(folder)/arguments'
                exec qemu-system-x86_64 "${arguments[@]}"
                """
            for (path, text) in [(program, script), ("\(folder)/hidden", hidden)] {
                try await MachineFiles.write(text.utf8, to: path, as: nil)
                try await Command("chmod", ["755", path]).run()
            }
            // The machine's user runs it, and keeps its file there.
            try await Command("chmod", ["777", folder]).run()
            try await QEMUFixture.withHost(program: program) { host, _ in
                _ = try await boot(host)
                #expect(try await host.status(5) == .running)
            }
        }
    }

    @Test("a machine that was killed is absent, and boots again on the same disk")
    func killed() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try await boot(host)
            let process = try #require(HostProcess(pid: try QEMUFixture.pid(folder, 5)))
            try process.end()
            try await eventually("the process is gone") { process.isGone }
            #expect(try await host.status(5) == .absent)
            try await host.boot(machine)
            #expect(try await host.status(5) == .running)
        }
    }

    @Test("a disk that is there needs its image no more, when it is asked for once more")
    func imageIsGone() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try QEMUFixture.machine()
            try await host.makeDisk(machine, from: QEMUFixture.image)
            let gone = CloudError(.serviceUnavailable, "The image is gone.")
            let images = QEMUHost.Images(
                status: { _ in .unavailable(gone.message) }, ready: { _ in throw gone }, check: { _ in })
            var settings = QEMUHost.Settings(
                dataDirectory: folder, installationId: folder, networkMode: .user)
            settings.accelerator = AcceleratorChoice(.tcg, reason: "the same on every host")
            let without = try await QEMUHost.open(settings, images: images, network: nil)
            try await without.makeDisk(machine, from: QEMUFixture.image)
        }
    }

    @Test("a host opened anew finds its machines, and another installation's host does not see them")
    func found() async throws {
        try await QEMUFixture.withHost { host, folder in
            _ = try await boot(host)
            let image = ReadyImage(disk: "\(folder)/base.qcow2")
            let again = try await QEMUFixture.open(folder, image: image)
            #expect(try await again.status(5) == .running)
            let table = ProcessTable(installation: "another", data: folder)
            #expect(try table.all().isEmpty)
            try await again.halt(5)
            #expect(try await host.status(5) == .absent)
        }
    }

    @Test("a machine without its pidfile, or with a stranger's pid in it, is found all the same")
    func pidFile() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try await boot(host)
            let process = try #require(HostProcess(pid: try QEMUFixture.pid(folder, 5)))
            let pidFile = MachineDirectory(data: folder, id: 5).pidFile
            try await MachineFiles.write("\(getpid())\n".utf8, to: pidFile, as: nil)
            try await host.boot(machine)
            #expect(try await host.status(5) == .running)
            try await MachineFiles.remove(pidFile, as: nil)
            #expect(try await host.status(5) == .running)
            try await Command("rm", ["-rf", "\(folder)/machines/5"]).run()
            #expect(try await host.inventory().keys.sorted() == [5])
            try await host.halt(5)
            #expect(process.isGone)
        }
    }

    @Test("a process that hangs is neither running nor absent, and is ended all the same")
    func stopped() async throws {
        try await QEMUFixture.withHost { host, folder in
            _ = try await boot(host)
            let process = try #require(HostProcess(pid: try QEMUFixture.pid(folder, 5)))
            #expect(kill(process.pid, SIGSTOP) == 0)
            let error = await #expect(throws: CloudError.self) { try await host.status(5) }
            #expect(error?.code == .serviceUnavailable)
            try await host.halt(5)
            #expect(process.isGone)
        }
    }

    @Test("a machine has a user of its own, the sandbox, private files and none of our descriptors")
    func confinement() async throws {
        try await QEMUFixture.withHost { host, folder in
            _ = try await boot(host)
            let pid = try QEMUFixture.pid(folder, 5)
            let status = try #require(MachineFiles.text("/proc/\(pid)/status", limit: 8192))
            if geteuid() == 0 {
                #expect(status.contains("Uid:\t1879048197\t1879048197\t1879048197\t1879048197"))
                #expect(status.contains("Gid:\t1879048197\t1879048197\t1879048197\t1879048197"))
                #expect(status.contains("CapEff:\t0000000000000000"))
            }
            #expect(status.contains("NoNewPrivs:\t1"))
            #expect(status.contains("Seccomp:\t2"))
            #expect(getsid(pid) == pid)
            let files = try MachineFiles.names(in: "/proc/\(pid)/fd").compactMap {
                link("/proc/\(pid)/fd/\($0)")
            }
            #expect(files.contains("\(folder)/machines/5/disk.qcow2"))
            let strangers = files.filter {
                $0.hasPrefix("/") && !$0.hasPrefix("\(folder)/") && $0 != "/dev/null" && $0 != "/dev/urandom"
            }
            #expect(strangers == [])
            for name in try MachineFiles.names(in: "\(folder)/machines/5") {
                #expect(mode("\(folder)/machines/5/\(name)") & 0o077 == 0, "\(name)")
            }
            #expect(mode("\(folder)/machines/5") & 0o777 == 0o700)
        }
    }

    @Test("a start that fails says QEMU's own words, and leaves no process")
    func failedStart() async throws {
        try await QEMUFixture.withHost { host, _ in
            let machine = try QEMUFixture.machine()
            try await host.makeSeed(machine)
            let error = await #expect(throws: CloudError.self) { try await host.boot(machine) }
            #expect(error?.detail?.contains("disk.qcow2") == true)
            #expect(try await host.status(5) == .absent)
        }
    }

    @Test("a port that another program has is told before QEMU is started, and one's own is no hindrance")
    func portTaken() async throws {
        try await QEMUFixture.withHost { host, folder in
            let listener = try ConnectProxy()
            let machine = try QEMUFixture.machine(sshPort: listener.port)
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            let error = await #expect(throws: SSHPortTaken.self) { try await host.boot(machine) }
            #expect(error == SSHPortTaken(port: listener.port))
            #expect(!MachineFiles.exists(MachineDirectory(data: folder, id: 5).pidFile))
            var other = machine
            other.attachment.sshPort = Int.random(in: 20_000...30_000)
            for _ in 0..<2 { try await host.boot(other) }
            #expect(try await host.status(5) == .running)
            #expect(MachineLog.qemu(dataDirectory: folder, id: 5) != nil)
            #expect(MachineLog.qemu(dataDirectory: folder, id: 6) == nil)
        }
    }

    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode : .max
    }

    private func link(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)  // it may be closed by now
    }
}
