import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// A guest whose QEMU was broken out of can write all of its disk, and has nothing else.
@Suite("A disk whose header its guest's user has written", .timeLimit(.minutes(2)))
struct QEMUHostileDiskTests {
    /// What the guest must never read: a file of root's that looks like a disk.
    private func secret(_ folder: String) async throws -> String {
        let path = "\(folder)/secret.raw"
        try await MachineFiles.write([UInt8](repeating: 0x53, count: 1 << 20), to: path, as: nil)
        return path
    }

    /// A disk that `arguments` of qemu-img make in place of the machine's.
    private func replace(_ disk: String, _ arguments: [String]) async throws {
        try await MachineFiles.remove(disk, as: nil)
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2"] + arguments).run()
    }

    private func machine(_ host: QEMUHost) async throws -> Machine {
        let machine = try QEMUFixture.machine()
        try await host.makeDisk(machine, from: QEMUFixture.image)
        try await host.makeSeed(machine)
        return machine
    }

    @Test(
        "is opened by no start, resize, move or second make, whatever it names, and starts again once it is itself"
    )
    func headers() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try await machine(host)
            let directory = MachineDirectory(data: folder, id: 5)
            let honest = try #require(MachineFiles.bytes(directory.disk, limit: 1 << 20))
            let secret = try await secret(folder)
            let overlay = "\(folder)/other.qcow2"
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", overlay, "1G"]).run()
            let base = "\(folder)/base.qcow2"
            let disk = directory.disk
            for arguments in [
                ["-o", "data_file=\(secret),data_file_raw=on", disk, "1M"],
                ["-b", secret, "-F", "raw", disk, "1M"], ["-b", overlay, "-F", "qcow2", disk, "1G"],
                [
                    "-u", "-b",
                    "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"\(secret)\"}}",
                    "-F", "raw", disk, "1M",
                ],
                ["-u", "-b", base, "-F", "raw", disk, "1G"], ["-b", base, "-F", "qcow2", disk, "2T"],
                [disk, "1G"],
            ] {
                try await replace(disk, arguments)
                // qemu-img has made it part of the disk.
                _ = try await self.secret(folder)
                try await refuses(host, machine, "\(arguments)")
            }
            for bytes in [[UInt8](repeating: 0, count: 1 << 16), []] {
                try await MachineFiles.write(bytes, to: disk, as: nil)
                try await refuses(host, machine, "\(bytes.count) bytes that are no qcow2")
            }
            #expect(MachineFiles.bytes(secret, limit: 2 << 20)?.allSatisfy { $0 == 0x53 } == true)
            try await MachineFiles.write(honest, to: disk, as: nil)
            try await host.growDisk(machine)
            try await host.boot(machine)
            #expect(try await host.status(5) == .running)
        }
    }

    @Test("or in whose place a link, a second name or a pipe is, is opened by nothing")
    func places() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try await machine(host)
            let directory = MachineDirectory(data: folder, id: 5)
            let aside = "\(folder)/aside.qcow2"
            try MachineFiles.move(directory.disk, to: aside)
            for make in [["ln", "-s", aside], ["ln", aside], ["mkfifo"]] {
                try await Command(make[0], Array(make.dropFirst()) + [directory.disk]).run()
                try await refuses(host, machine, "\(make)")
                try await MachineFiles.remove(directory.disk, as: nil)
            }
            try MachineFiles.move(aside, to: directory.disk)
            try await host.boot(machine)
        }
    }

    private func refuses(_ host: QEMUHost, _ machine: Machine, _ what: String) async throws {
        var larger = machine
        larger.storageGb = 20
        let calls: [() async throws -> Void] = [
            { try await host.boot(machine) }, { try await host.growDisk(larger) },
            { try await host.makeDisk(machine, from: QEMUFixture.image) },
        ]
        for call in calls {
            let error = await #expect(throws: CloudError.self, "\(what)") { try await call() }
            #expect(
                error?.message.hasPrefix("The compute's disk is damaged.") == true
                    || error?.detail?.contains("not a regular file") == true
                    || error?.detail?.contains("Too many levels of symbolic links") == true,
                "\(what): \(error?.detail ?? "")")
        }
        #expect(try await host.status(5) == .absent, "\(what)")
    }

    @Test(
        "that is swapped, or changed, after it was looked at leads QEMU nowhere: it has what was looked at, and no rights"
    )
    func swapped() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try await machine(host)
            let directory = MachineDirectory(data: folder, id: 5)
            let secret = try await secret(folder)
            let opened = try await host.disk(machine).open()
            // Another file has its name by now.
            try MachineFiles.move(directory.disk, to: "\(folder)/first")
            try await Command(
                "qemu-img",
                [
                    "create", "-q", "-f", "qcow2", "-o", "data_file=\(secret),data_file_raw=on",
                    directory.disk, "1M",
                ]
            ).run()
            let program = host.program(as: 5)
            try await program.resize(opened, to: 11 << 30)
            #expect(try MachineDisk.virtualBytes("\(folder)/first") == 11 << 30)

            // What is open has another header by now. Who runs it as an ordinary user may open it anyway.
            guard geteuid() == 0 else { return }
            try MachineFiles.overwrite(
                "\(folder)/first", at: 0, with: MachineFiles.bytes(directory.disk, limit: 1 << 20) ?? [])
            let error = await #expect(throws: CloudError.self) {
                try await program.resize(opened, to: 12 << 30)
            }
            #expect(error?.detail?.contains("Permission denied") == true, "\(error?.detail ?? "")")
        }
    }

    @Test(
        "from before there were records gets one if it lies over an installed image, and is refused if over anything else"
    )
    func older() async throws {
        try await QEMUFixture.withHost { host, folder in
            let image = "\(folder)/images/EMPTY-1/0123456789abcdef/disk.qcow2"
            try await MachineFiles.makeFolder("\(folder)/images/EMPTY-1/0123456789abcdef", as: nil)
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", image, "1G"]).run()
            let machine = try QEMUFixture.machine()
            let directory = MachineDirectory(data: folder, id: 5)
            try await MachineFiles.makeFolder(directory.path, as: nil)
            let disk = host.disk(machine)
            for (base, size) in [
                (image, "11G"), ("\(folder)/base.qcow2", "1G"),
                ("\(folder)/images/EMPTY-1/../../base.qcow2", "1G"),
            ] {
                try await replace(directory.disk, ["-b", base, "-F", "qcow2", directory.disk, size])
                await #expect(throws: CloudError.self, "\(base) \(size)") { try await disk.base() }
            }
            try await replace(directory.disk, ["-b", image, "-F", "qcow2", directory.disk, "9G"])
            #expect(try await disk.base().disk == image)
            try await host.growDisk(machine)
            #expect(try MachineDisk.virtualBytes(directory.disk) == 10 << 30)
            // From here on the record counts.
            try await replace(
                directory.disk, ["-b", "\(folder)/base.qcow2", "-F", "qcow2", directory.disk, "1G"])
            await #expect(throws: CloudError.self) { try await disk.base() }
        }
    }
}

@Suite("The table of machines' processes", .timeLimit(.minutes(1)))
struct ProcessTableTests {
    @Test("has no process that only says it is a machine, of whatever user it is")
    func pretenders() async throws {
        try await QEMUFixture.withHost { host, folder in
            let uuid = MachineUUID(installation: folder, id: 5).description
            let words = ["-c", "echo $$ >\(folder)/pid.$0; sleep 60; :", "x", "-uuid", uuid]
            var processes: [HostProcess] = []
            for (name, prefix) in [
                ("root", []), ("other", ["setpriv", "--reuid=1879048198", "--clear-groups"]),
            ]
            where prefix.isEmpty || geteuid() == 0 {
                try await Command("chmod", ["777", folder]).run()
                var words = words
                words[2] = name
                let command = prefix + ["sh"] + words
                try await Command(command[0], Array(command.dropFirst())).startDetached(log: "\(folder)/log")
                try await eventually("it runs") {
                    let text = MachineFiles.text("\(folder)/pid.\(name)", limit: 32)
                    guard let pid = text.flatMap({ Int32($0.filter(\.isNumber)) }),
                        let process = HostProcess(pid: pid)
                    else { return false }
                    processes.append(process)
                    return true
                }
            }
            #expect(try host.table.all().isEmpty)
            let machine = try QEMUFixture.machine()
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            #expect(try await host.status(5) == .absent)
            try await host.boot(machine)
            // A pidfile that leads to one of them leads nowhere.
            let pidFile = MachineDirectory(data: folder, id: 5).pidFile
            try await MachineFiles.write("\(processes[0].pid)\n".utf8, to: pidFile, as: nil)
            #expect(try await host.status(5) == .running)
            try await host.halt(5)
            #expect(processes.allSatisfy { !$0.isGone }, "nobody else is ended with the machine")
            for process in processes { try process.end() }
        }
    }

    @Test("takes a process of our own user for a machine if it runs QEMU, also after an upgrade of that")
    func owners() {
        let own = [UInt32](repeating: geteuid(), count: 4)
        #expect(ProcessOwner(uids: own, program: "qemu-system-x86_64").mayRun(as: nil))
        #expect(!ProcessOwner(uids: own, program: "bash").mayRun(as: nil))
        #expect(!ProcessOwner(uids: own, program: nil).mayRun(as: nil))
        #expect(ProcessOwner(uids: [7, 7, 7, 7], program: nil).mayRun(as: 7))
        #expect(!ProcessOwner(uids: [7, 0, 7, 7], program: "qemu").mayRun(as: 7))
        #expect(!ProcessOwner(uids: [8, 8, 8, 8], program: "qemu").mayRun(as: 7))
        #expect(!ProcessOwner(uids: [], program: "qemu").mayRun(as: 7))
    }

    @Test("takes what is about to become a machine's QEMU for it, which only root can have started")
    func becoming() {
        for uids in [[0, 0, 0, 0], [7, 0, 0, 0], [7, 7, 7, 7]] as [[UInt32]] {
            #expect(ProcessOwner(uids: uids, program: "setpriv").mayRun(as: 7))
        }
        #expect(!ProcessOwner(uids: [0, 0, 0, 0], program: "sh").mayRun(as: 7))
        #expect(!ProcessOwner(uids: [8, 8, 8, 8], program: "setpriv").mayRun(as: 7))
        #expect(!ProcessOwner(uids: [8, 0, 0, 0], program: "setpriv").mayRun(as: 7))
    }
}
