import CloudCore
import CloudTesting
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
            let groups = try await GuestGroups(
                ownGroup: own, mount: mount, pid: 41, others: [7: [42], 8: [99]])
            #expect(text("\(unit)/server/cgroup.procs") == "41")
            #expect(text("\(unit)/guest-7/cgroup.procs") == "42", "one from before there were groups")
            #expect(!MachineFiles.exists("\(unit)/guest-8"), "it is in another group by now")
            #expect(text("\(unit)/cgroup.subtree_control") == "+cpu +memory +pids +io")

            let limits = GuestGroupLimits(try QEMUFixture.machine(memoryMb: 1024), .tcg)
            try await MachineFiles.makeFolder("\(unit)/guest-5", as: nil)
            try await MachineFiles.write("default 100".utf8, to: "\(unit)/guest-5/io.weight", as: nil)
            for _ in 0..<2 { #expect(try groups.make(5, limits) == "\(unit)/guest-5") }
            let values = ["cpu.weight", "memory.max", "pids.max", "io.weight"].map {
                text("\(unit)/guest-5/\($0)")
            }
            #expect(values == ["200", "\((1024 + 64 + 512 + 64) << 20)", "130", "default 200"])
            #expect(try groups.make(6, limits) == "\(unit)/guest-6")
            #expect(!MachineFiles.exists("\(unit)/guest-6/io.weight"), "the host's disks have no weights")

            // A server that starts in its own group finds the same, and removes what is empty.
            try await MachineFiles.makeFolder("\(unit)/guest-9", as: nil)
            let again = try await GuestGroups(
                ownGroup: "0::/system.slice/strettch.service/server\n", mount: mount, pid: 43)
            #expect(again.unit == unit && !MachineFiles.exists("\(unit)/guest-9"))
            #expect(MachineFiles.exists("\(unit)/guest-7"))
        }
    }

    @Test("are none, with the reason, where version 2 or a controller is not to be had")
    func unusable() async throws {
        try await withUnit(controllers: "hugetlb") { mount, unit in
            for (ownGroup, why) in [
                ("1:cpu:/\n0::/\n", "in no group of version 2"), ("", "in no group of version 2"),
                ("0::/../x", "in no group of version 2"), ("0::/a/../../etc", "in no group of version 2"),
                (own, "lacks the controllers cpu, memory, pids"),
            ] {
                let error = await #expect(throws: CloudError.self) {
                    try await GuestGroups(ownGroup: ownGroup, mount: mount)
                }
                #expect(error?.detail?.contains(why) == true, "\(error?.detail ?? "")")
            }
            let names = try MachineFiles.names(in: unit)
            #expect(names == ["cgroup.controllers"], "nothing was made")
        }
    }

    @Test("limit what a specification says, with what QEMU takes besides, within what the kernel takes")
    func limits() throws {
        var machine = try QEMUFixture.machine(memoryMb: 32768)
        machine.vcpus = 16
        let kvm = GuestGroupLimits(machine, .kvm)
        #expect(kvm.weight == 1600 && kvm.tasks == 144 && kvm.memoryBytes == (32768 + 2048 + 512) << 20)
        machine.vcpus = 1000
        #expect(GuestGroupLimits(machine, .kvm).weight == 10_000)
    }

    @Test("have QEMU in them before it runs, and go with their machine")
    func qemu() async throws {
        try await withUnit { mount, unit in
            try await QEMUFixture.withHost { host, folder in
                var host = host
                host.groups = try await GuestGroups(ownGroup: own, mount: mount)
                let machine = try QEMUFixture.machine()
                try await host.makeDisk(machine, from: QEMUFixture.image)
                try await host.makeSeed(machine)
                try await host.boot(machine)
                let group = "\(unit)/guest-5"
                #expect(text("\(group)/cgroup.procs") == text(MachineDirectory(data: folder, id: 5).pidFile))
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
