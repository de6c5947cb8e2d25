import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// Against folders that look like a group which was delegated: version 2 is not to be had everywhere.
@Suite("Guests' control groups", .timeLimit(.minutes(1)))
struct GuestGroupTests {
    private let own = "9:name=systemd:/\n0::/system.slice/strettch.service\n"

    /// A group of a unit with these controllers.
    private func withUnit(
        controllers: String = "cpuset cpu io memory pids",
        _ body: (_ mount: String, _ unit: String) async throws -> Void
    ) async throws {
        try await QEMUFixture.withFolder { mount in
            let unit = "\(mount)/system.slice/strettch.service"
            try await MachineFiles.makeFolder(unit, as: nil)
            try await MachineFiles.write("\(controllers)\n".utf8, to: "\(unit)/cgroup.controllers", as: nil)
            try await body(mount, unit)
        }
    }

    private func text(_ path: String) -> String? { MachineFiles.text(path, limit: 1000) }

    @Test("leave the unit's own group empty, and have what each guest was sold")
    func made() async throws {
        try await withUnit { mount, unit in
            try await MachineFiles.write("41\n42\n".utf8, to: "\(unit)/cgroup.procs", as: nil)
            let groups = try GuestGroups(ownGroup: own, mount: mount, pid: 41, accelerator: .tcg)
            // The kernel moves one for each write, and the last that is written is the other one.
            #expect(text("\(unit)/server/cgroup.procs") == "42")
            #expect(text("\(unit)/cgroup.subtree_control") == "+cpu +memory +pids +io")

            let group = GuestGroup(machineId: 5, vcpus: 2, memoryMb: 1024)
            let folder = "\(unit)/guest-5-2c-1024m"
            try await MachineFiles.makeFolder(folder, as: nil)
            try await MachineFiles.write("default 100".utf8, to: "\(folder)/io.weight", as: nil)
            for _ in 0..<2 { #expect(try groups.make(group) == folder) }
            #expect(values(folder) == sold)
            let other = try groups.make(GuestGroup(machineId: 6, vcpus: 2, memoryMb: 1024))
            #expect(!MachineFiles.exists("\(other)/io.weight"), "the host's disks have no weights")
        }
    }

    /// What a guest with 2 vCPUs and 1,024 MB gets without KVM.
    private let sold = ["200", "\((1024 + 64 + 512 + 64) << 20)", "130", "default 200"]

    private func values(_ folder: String) -> [String?] {
        ["cpu.weight", "memory.max", "pids.max", "io.weight"].map { text("\(folder)/\($0)") }
    }

    @Test("get their limits again when a server starts, since they went with the unit's controllers")
    func again() async throws {
        try await withUnit { mount, unit in
            for name in ["guest-5-2c-1024m", "guest-9-1c-512m", "guest-7"] {
                try await MachineFiles.makeFolder("\(unit)/\(name)", as: nil)
            }
            // As the kernel gives them to a group anew.
            for (name, text) in [("cpu.weight", "100"), ("memory.max", "max"), ("io.weight", "default 100")] {
                try await MachineFiles.write(text.utf8, to: "\(unit)/guest-5-2c-1024m/\(name)", as: nil)
            }
            try await MachineFiles.write("".utf8, to: "\(unit)/guest-7/cgroup.procs", as: nil)
            let inServer = "0::/system.slice/strettch.service/server\n"
            let groups = try GuestGroups(ownGroup: inServer, mount: mount, pid: 43, accelerator: .tcg)
            #expect(groups.unit == unit)
            #expect(values("\(unit)/guest-5-2c-1024m") == sold)
            #expect(!MachineFiles.exists("\(unit)/guest-9-1c-512m"), "it is empty")
            #expect(values("\(unit)/guest-7") == [nil, nil, nil, nil], "nobody knows what it was sold")
        }
    }

    @Test("go with their machines, and with those alone")
    func removed() async throws {
        try await withUnit { mount, unit in
            let groups = try GuestGroups(ownGroup: own, mount: mount, accelerator: .kvm)
            for name in ["guest-5-2c-1024m", "guest-5-1c-512m", "guest-55-1c-512m"] {
                try await MachineFiles.makeFolder("\(unit)/\(name)", as: nil)
            }
            try await groups.remove(5)
            #expect(try MachineFiles.names(in: unit).filter { $0.hasPrefix("guest") } == ["guest-55-1c-512m"])
            try await groups.remove(5)
        }
    }

    @Test("have names that tell what they were made for, and no others are taken for such")
    func names() {
        let group = GuestGroup(machineId: 7, vcpus: 2, memoryMb: 1024)
        #expect(group.name == "guest-7-2c-1024m" && GuestGroup(name: group.name) == group)
        let others = [
            "guest-7", "guest-7-2c", "guest--2c-1m", "guest-7-2c-1024m2", "server",
            "guest-7-2c-99999999999999999999m",
        ]
        for name in others { #expect(GuestGroup(name: name) == nil, "\(name)") }
    }

    @Test("are none, with the reason, where version 2 or a controller is not to be had")
    func unusable() async throws {
        try await withUnit(controllers: "hugetlb") { mount, unit in
            for (ownGroup, why) in [
                ("1:cpu:/\n0::/\n", "in no group of version 2"), ("", "in no group of version 2"),
                ("0::/../x", "in no group of version 2"), ("0::/a/../../etc", "in no group of version 2"),
                (own, "lacks the controllers cpu, memory, pids"),
            ] {
                let error = #expect(throws: CloudError.self) {
                    try GuestGroups(ownGroup: ownGroup, mount: mount, accelerator: .tcg)
                }
                #expect(error?.detail?.contains(why) == true, "\(error?.detail ?? "")")
            }
            let names = try MachineFiles.names(in: unit)
            #expect(names == ["cgroup.controllers"], "nothing was made")
        }
    }

    @Test("limit what a specification says, with what QEMU takes besides, within what the kernel takes")
    func limits() {
        let kvm = GuestGroupLimits(vcpus: 16, memoryMb: 32768, .kvm)
        #expect(kvm.weight == 1600 && kvm.tasks == 144 && kvm.memoryBytes == (32768 + 2048 + 512) << 20)
        #expect(GuestGroupLimits(vcpus: 1000, memoryMb: 32768, .kvm).weight == 10_000)
    }

    @Test("have QEMU in them before it runs, and go with their machine")
    func qemu() async throws {
        try await withUnit { mount, unit in
            try await QEMUFixture.withHost { host, folder in
                var host = host
                host.groups = try GuestGroups(ownGroup: own, mount: mount, accelerator: .tcg)
                let machine = try QEMUFixture.machine()
                try await host.makeDisk(machine, from: QEMUFixture.image)
                try await host.makeSeed(machine)
                try await host.boot(machine)
                let group = "\(unit)/guest-5-2c-128m"
                let pid = try QEMUFixture.pid(folder, 5)
                try await eventually("what it prints is read in its group as well") {
                    let pids = text("\(group)/cgroup.procs")?.split(separator: "\n") ?? []
                    #expect(pids.contains("\(pid)"))
                    return pids.count == 2
                }
                #expect(text("\(group)/pids.max") == "130")
                // The kernel's own files don't keep a group from being removed.
                for name in try MachineFiles.names(in: group) {
                    try await MachineFiles.remove("\(group)/\(name)", as: nil)
                }
                try await host.halt(5)
                #expect(!MachineFiles.exists(group))
            }
        }
    }

    @Test("lose their controllers when the documented unit ends, without which it would not start again")
    func unitEnds() async throws {
        let lines = try Self.documentedUnit()
        for line in ["KillMode=process", "Delegate=yes", "Environment=STRETTCH_GUEST_GROUPS=true"] {
            #expect(lines.contains(line))
        }
        let command = try #require(lines.first { $0.hasPrefix("ExecStopPost=-/bin/sh ") })
        let script = try #require(command.split(separator: "'").dropFirst().first)
        try await withUnit { mount, unit in
            // As systemd puts the unit's name in.
            let text = script.replacing("%n", with: "strettch.service")
                .replacing(GuestGroups.mount, with: mount)
            try await MachineFiles.write(text.utf8, to: "\(mount)/script", as: nil)
            try await Command("sh", ["\(mount)/script"]).run()
            let taken = try #require(self.text("\(unit)/cgroup.subtree_control")).split(
                whereSeparator: \.isWhitespace)
            #expect(Set(taken) == Set(GuestGroups.wanted.map { "-\($0)" }))
        }
    }

    private static func documentedUnit() throws -> [String] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../docs/operate.md")
        let document = try String(contentsOf: path.standardizedFileURL, encoding: .utf8)
        return document.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test("are something that the doctor knows of")
    func doctor() {
        #expect(
            DoctorResources.groups(controllers: "cpuset cpu io memory hugetlb pids rdma misc\n").status == .ok
        )
        let partly = DoctorResources.groups(controllers: "hugetlb\n")
        #expect(partly.status == .warning && partly.meaning.contains("lacks cpu, memory, pids"))
        #expect(DoctorResources.groups(controllers: nil).meaning.contains("is not mounted at /sys/fs/cgroup"))
    }
}
