import CloudCore
import Testing

@testable import CloudMachines

@Suite("QEMU's argument vector")
struct QEMUArgumentsTests {
    private func arguments(
        data: String = "/data", image: ReadyImage = ReadyImage(disk: "/base.qcow2"),
        accelerator: Accelerator = .tcg, mode: NetworkMode = .user, uid: UInt32? = nil,
        version: QEMUVersion = QEMUVersion(major: 7, minor: 2), arrivesOn: String? = nil
    ) throws -> [String] {
        try QEMUArguments(
            machine: QEMUFixture.machine(sshPort: 20005, memoryMb: 1024), image: image,
            directory: MachineDirectory(data: data, id: 5), uuid: MachineUUID(installation: "test", id: 5),
            accelerator: accelerator, networkMode: mode, uid: uid, version: version,
            arrivesOn: arrivesOn
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
                -drive if=none,id=disk,file=/data/machines/5/disk.qcow2,format=qcow2,cache=writeback,discard=unmap,detect-zeroes=unmap,auto-read-only=off
                -device virtio-blk-pci,drive=disk,bootindex=1
                -drive if=none,id=seed,file=/data/machines/5/seed.iso,format=raw,readonly=on
                -device virtio-blk-pci,drive=seed
                -netdev user,id=net,restrict=no,hostfwd=tcp:127.0.0.1:20005-:22
                -device virtio-net-pci,netdev=net,mac=52:54:0a:00:00:05,romfile=
                -chardev socket,id=serial,path=/data/machines/5/serial.sock,server=on,wait=off,logfile=/data/machines/5/console.log,logappend=on
                -serial chardev:serial
                -msg timestamp=on
                -pidfile /data/machines/5/pid
                -qmp unix:/data/machines/5/qmp.sock,server=on,wait=off
                -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
                """.split(whereSeparator: \.isWhitespace).map(String.init))
    }

    @Test("with KVM the guest has the host's processor")
    func kvm() throws {
        let vector = try arguments(accelerator: .kvm)
        #expect(value(of: "-accel", in: vector) == "kvm")
        #expect(value(of: "-cpu", in: vector) == "host")
    }

    @Test("in bridged mode the guest hangs on the machine's tap")
    func bridged() throws {
        #expect(
            value(of: "-netdev", in: try arguments(mode: .bridged))
                == "tap,id=net,ifname=st-t5,script=no,downscript=no")
    }

    @Test("started by root, QEMU becomes the machine's own user")
    func ownUser() throws {
        let old = try arguments(uid: 1_879_048_197)
        #expect(value(of: "-runas", in: old) == "1879048197:1879048197")
        #expect(
            value(of: "-sandbox", in: old)
                == "on,obsolete=deny,elevateprivileges=allow,spawn=deny,resourcecontrol=deny")
        let new = try arguments(uid: 1_879_048_197, version: QEMUVersion(major: 10, minor: 0))
        #expect(value(of: "-run-with", in: new) == "user=1879048197:1879048197")
        #expect(!new.contains("-runas"))
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
        #expect(value(of: "-kernel", in: vector) == "/k")
        #expect(value(of: "-initrd", in: vector) == "/i")
        #expect(value(of: "-append", in: vector) == "console=ttyS0 a,b")
    }

    @Test("a comma in a path is no option of its own")
    func commas() throws {
        let vector = try arguments(data: "/da,ta")
        #expect(vector.contains { $0.contains("file=/da,,ta/machines/5/disk.qcow2,format") })
        #expect(value(of: "-qmp", in: vector) == "unix:/da,,ta/machines/5/qmp.sock,server=on,wait=off")
        #expect(value(of: "-pidfile", in: vector) == "/da,ta/machines/5/pid")
    }

    @Test("QEMU's version is read from its first line")
    func version() {
        #expect(
            QEMUVersion("QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopyright")
                == QEMUVersion(major: 7, minor: 2))
        #expect(QEMUVersion("QEMU emulator version 10.0.2\n") == QEMUVersion(major: 10, minor: 0))
        #expect(QEMUVersion("bash: not found") == nil)
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
