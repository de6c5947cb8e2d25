import CloudCore
import Testing

@testable import CloudMachines

@Suite("QEMU's argument vector")
struct QEMUArgumentsTests {
    private func arguments(
        data: String = "/data", image: ReadyImage = ReadyImage(disk: "/base.qcow2"),
        accelerator: Accelerator = .tcg, mode: NetworkMode = .user, arrivesOn: String? = nil,
        layout: BoardLayout = .present
    ) throws -> [String] {
        try QEMUArguments(
            machine: QEMUFixture.machine(sshPort: 20005, memoryMb: 1024), image: image,
            directory: MachineDirectory(data: data, id: 5), uuid: MachineUUID(installation: "test", id: 5),
            accelerator: accelerator, networkMode: mode, arrivesOn: arrivesOn, layout: layout
        ).vector
    }

    @Test("a machine without KVM, in user mode, started by an unprivileged user")
    func emulated() throws {
        #expect(
            try arguments()
                == """
                -name guest=strettch-5,process=strettch-5
                -uuid 9f86d081-884c-8d65-8000-000000000005
                -nodefaults
                -no-user-config
                -display none
                -action shutdown=pause
                -machine q35
                -accel tcg,thread=multi,tb-size=64
                -cpu max,-la57
                -smp 2
                -m 1024
                -device virtio-rng-pci
                -add-fd fd=3,set=3,opaque=/data/machines/5/disk.qcow2
                -add-fd fd=4,set=4,opaque=/base.qcow2
                -blockdev {"driver":"file","filename":"/dev/fdset/4","node-name":"base-file","read-only":true}
                -blockdev {"backing":null,"driver":"qcow2","file":"base-file","node-name":"base","read-only":true}
                -blockdev {"auto-read-only":false,"discard":"unmap","driver":"file","filename":"/dev/fdset/3","node-name":"disk-file"}
                -blockdev {"auto-read-only":false,"backing":"base","detect-zeroes":"unmap","discard":"unmap","driver":"qcow2","file":"disk-file","node-name":"disk"}
                -device virtio-blk-pci,drive=disk,bootindex=1,write-cache=on
                -add-fd fd=5,set=5,opaque=/data/machines/5/seed.iso
                -blockdev {"driver":"file","filename":"/dev/fdset/5","node-name":"seed-file","read-only":true}
                -blockdev {"driver":"raw","file":"seed-file","node-name":"seed","read-only":true}
                -device virtio-blk-pci,drive=seed
                -netdev user,id=net,restrict=yes,ipv6=off,hostfwd=tcp:127.0.0.1:20005-:22
                -device virtio-net-pci,netdev=net,mac=52:54:0a:00:00:05,romfile=
                -chardev socket,id=agent,fd=9,server=on,wait=off
                -device virtio-serial-pci
                -device virtserialport,chardev=agent,name=org.qemu.guest_agent.0
                -device virtio-balloon-pci,id=balloon,free-page-reporting=on
                -device pcie-root-port,id=spare-port-1,chassis=2
                -device pcie-root-port,id=spare-port-2,chassis=3
                -device pcie-root-port,id=spare-port-3,chassis=4
                -device pcie-root-port,id=spare-port-4,chassis=5
                -add-fd fd=8,set=8,opaque=/data/machines/5/console.log
                -chardev socket,id=serial,fd=7,server=on,wait=off,logfile=/dev/fdset/8,logappend=on
                -serial chardev:serial
                -msg timestamp=on
                -chardev socket,id=monitor,fd=6,server=on,wait=off
                -mon chardev=monitor,mode=control
                -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
                """.split(whereSeparator: \.isWhitespace).map(String.init))
    }

    @Test(
        "what comes from an earlier version of the program has that one's board, and nothing else is different"
    )
    func firstLayout() throws {
        let first = try arguments(layout: .first)
        let present = try arguments()
        let extras = try #require(present.firstIndex(of: "socket,id=agent,fd=9,server=on,wait=off"))
        #expect(first == Array(present[..<(extras - 1)] + present[(extras + 15)...]))
        #expect(BoardLayout(commandLine: first.joined(separator: "\0")) == .first)
        #expect(BoardLayout(commandLine: present.joined(separator: "\0")) == .agent)
    }

    @Test("with KVM the guest has the host's processor")
    func kvm() throws {
        let vector = try arguments(accelerator: .kvm)
        #expect(value(of: "-accel", in: vector) == "kvm")
        #expect(value(of: "-cpu", in: vector) == "host")
    }

    @Test("in bridged mode the guest has the machine's tap, which is open")
    func bridged() throws {
        #expect(value(of: "-netdev", in: try arguments(mode: .bridged)) == "tap,id=net,fd=9")
    }

    @Test("no file is opened by its name: what QEMU gets is open, and is named for those who look alone")
    func names() throws {
        let kernel = DirectKernel(kernel: "/data/k", initrd: "/data/i", commandLine: "console=ttyS0")
        for mode in [NetworkMode.bridged, .user] {
            let vector = try arguments(
                image: ReadyImage(disk: "/data/base.qcow2", kernel: kernel), mode: mode)
            let naming = vector.filter { $0.contains("/data") }
            #expect(
                naming.count == 4
                    && naming.allSatisfy { $0.wholeMatch(of: /fd=\d+,set=\d+,opaque=.*/) != nil })
        }
    }

    @Test("what comes from another host has that host's board, and waits without a guest")
    func arriving() throws {
        let boots = try arguments()
        let arrives = try arguments(arrivesOn: "pc-q35-7.2")
        #expect(value(of: "-machine", in: arrives) == "pc-q35-7.2")
        #expect(arrives == boots.map { $0 == "q35" ? "pc-q35-7.2" : $0 } + ["-S", "-incoming", "defer"])
    }

    @Test("an image with a kernel is booted without firmware's help")
    func directKernel() throws {
        let kernel = DirectKernel(kernel: "/k", initrd: "/i", commandLine: "console=ttyS0 a,b")
        let vector = try arguments(image: ReadyImage(disk: "/base.qcow2", kernel: kernel))
        #expect(value(of: "-kernel", in: vector) == "/proc/self/fd/9")
        #expect(value(of: "-initrd", in: vector) == "/proc/self/fd/10")
        #expect(value(of: "-append", in: vector) == "console=ttyS0 a,b")
    }

    @Test("a comma in a path is no option of its own")
    func commas() throws {
        let vector = try arguments(data: "/da,ta")
        #expect(vector.contains("fd=3,set=3,opaque=/da,,ta/machines/5/disk.qcow2"))
    }

    @Test("QEMU's version is read from its first line")
    func version() {
        #expect(
            QEMUVersion("QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopyright")
                == QEMUVersion(major: 7, minor: 2))
        #expect(QEMUVersion("QEMU emulator version 10.0.2\n") == QEMUVersion(major: 10, minor: 0))
        #expect(QEMUVersion("bash: not found") == nil)
    }

    @Test("the boards that a move may bring are those of QEMU's own list, of our kind alone")
    func boards() {
        let help = """
            Supported machines are:
            microvm              microvm (i386)
            q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)
            pc-q35-7.2           Standard PC (Q35 + ICH9, 2009)
            pc-q35-rhel9.2.0     RHEL-9.2.0 PC (Q35 + ICH9, 2009)
            pc-q35-7.2,dumpdtb=/etc/passwd  no such line
            pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996)
            none                 empty machine
            """
        #expect(QEMUVersion.boards(help) == ["pc-q35-7.2", "pc-q35-rhel9.2.0"])
        #expect(QEMUVersion.boards("") == [])
    }

    private func value(of option: String, in vector: [String]) -> String? {
        vector.firstIndex(of: option).map { vector[$0 + 1] }
    }

    @Test("what a machine was told of its MTU is read out of its own words")
    func guestMtu() throws {
        let line = "qemu\0-device\0virtio-net-pci,netdev=net,mac=52:54:0a:00:00:05,host_mtu=1450,romfile=\0-S"
        #expect(QEMUArguments.guestMtu(of: line) == 1450)
        #expect(QEMUArguments.guestMtu(of: line.replacing("host_mtu=1450,", with: "")) == nil)
    }
}

@Suite("A machine's UUID")
struct MachineUUIDTests {
    @Test(
        "it leads back to the compute, of the same installation alone",
        arguments: [1, 325, 1 << 32, 1 << 62 - 1])
    func roundTrip(id: Int64) {
        let text = MachineUUID(installation: "a", id: id).description
        #expect(MachineUUID.id(text, installation: "a") == id)
        #expect(MachineUUID.id(text, installation: "b") == nil)
    }

    @Test("other texts are nobody's", arguments: ["", "5", "---", "9f86d081-884c-4d65-8000-000000000005"])
    func strangers(text: String) { #expect(MachineUUID.id(text, installation: "test") == nil) }
}

@Suite("A machine's folder")
struct MachineDirectoryTests {
    @Test("a data directory may have 66 bytes and no more")
    func length() throws {
        try MachineDirectory.check(data: "/" + String(repeating: "d", count: 65))
        let error = #expect(throws: CloudError.self) {
            try MachineDirectory.check(data: "/" + String(repeating: "d", count: 66))
        }
        #expect(error?.message.contains("is 67 bytes long; the machines' sockets in it allow 66") == true)
        #expect(throws: CloudError.self) { try MachineDirectory.check(data: "data") }
    }
}
