import CloudCore
import Foundation
import Testing

@testable import CloudMachines

@Suite("A machine's seed")
struct MachineSeedTests {
    private let nameservers = QEMUHost.Settings(dataDirectory: "/d", installationId: "i", networkMode: .user)
        .nameservers

    @Test("in bridged mode it holds names, keys and a static address")
    func bridged() throws {
        let keys = ["ssh-ed25519 AAAA me@home", #"ssh-rsa BBBB "a": 'b' # c\d é"#]
        let seed = MachineSeed(
            try QEMUFixture.machine(keys: keys), networkMode: .bridged, nameservers: nameservers)
        #expect(seed.metaData == "instance-id: \"strettch-5\"\nlocal-hostname: \"web-1\"\n")
        #expect(
            seed.userData == #"""
                #cloud-config
                disable_root: false
                ssh_pwauth: false
                users:
                  - name: root
                    ssh_authorized_keys:
                      - "ssh-ed25519 AAAA me@home"
                      - "ssh-rsa BBBB \"a\": 'b' # c\\d \u00E9"

                """#)
        #expect(
            seed.networkConfig == """
                version: 2
                ethernets:
                  primary:
                    match:
                      macaddress: "52:54:0a:00:00:05"
                    addresses:
                      - 10.0.0.5/22
                    routes:
                      - to: 0.0.0.0/0
                        via: 10.0.0.1
                    nameservers:
                      addresses: [1.1.1.1, 9.9.9.9]

                """)
    }

    @Test("the owner's user data is a part of its own, beside the keys, and can't end it")
    func userData() throws {
        var machine = try QEMUFixture.machine()
        let plain = MachineSeed(machine, networkMode: .user, nameservers: nameservers)
        machine.userData = "#!/bin/sh\necho '--==strettch-part==--'\n"
        let seed = MachineSeed(machine, networkMode: .user, nameservers: nameservers)
        let parts = seed.userData.components(separatedBy: "\n--==strettch-part==")
        #expect(parts.count == 5)
        #expect(
            parts[1].contains("#cloud-boothook\n#!/bin/sh\n")
                && parts[1].contains("\n\nssh-ed25519 AAAA root@test\nEND\n"))
        #expect(parts[2].contains(plain.userData))
        #expect(parts[3].hasSuffix("IyEvYmluL3NoCmVjaG8gJy0tPT1zdHJldHRjaC1wYXJ0PT0tLScK"))
        #expect(parts[4] == "--\n")
        machine.userData = "MIME-Version: 1.0\n\n--==strettch-part==\n"
        let message = MachineSeed(machine, networkMode: .user, nameservers: nameservers).userData
        #expect(
            message.hasSuffix(
                "--==strettch-part-2==\nMIME-Version: 1.0\n\n--==strettch-part==\n\n--==strettch-part-2==--\n"
            ))
    }

    @Test("in user mode the guest asks QEMU for its address")
    func user() throws {
        let seed = MachineSeed(try QEMUFixture.machine(), networkMode: .user, nameservers: nameservers)
        #expect(
            seed.networkConfig == """
                version: 2
                ethernets:
                  primary:
                    match:
                      macaddress: "52:54:0a:00:00:05"
                    dhcp4: true

                """)
    }

    @Test("a quoted text stays on its line and in ASCII, whatever it holds")
    func quoting() {
        #expect(
            YAML.quoted("a\nb\t\u{2028}\u{7F}\u{85}é😀")
                == #""a\u000Ab\u0009\u2028\u007F\u0085\u00E9\U0001F600""#)
    }

    @Test("the image has the three files under the label cidata, and a second write replaces the first")
    func image() async throws {
        try await QEMUFixture.withFolder { folder in
            let path = "\(folder)/seed.iso"
            var seed = MachineSeed(try QEMUFixture.machine(), networkMode: .user, nameservers: nameservers)
            try await seed.write(to: path)
            seed.metaData = "instance-id: second\n"
            try await seed.write(to: path)
            let bytes = try #require(MachineFiles.bytes(path, limit: 1 << 20))
            // The volume's label stands 40 bytes into sector 16 (ECMA-119, section 8.4).
            #expect(String(decoding: bytes[32808..<32814], as: UTF8.self) == "cidata")
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains("instance-id: second") && !text.contains("strettch-5"))
            #expect(text.contains(seed.userData) && text.contains(seed.networkConfig))
            #expect(try MachineFiles.names(in: folder) == ["seed.iso"])
        }
    }
}

@Suite("A machine's disk")
struct MachineDiskTests {
    private let program = QEMUProgram(
        program: "qemu-system-x86_64", uid: MachineUser.uid(5), accelerator: .tcg)

    private func base(_ folder: String) async throws -> ReadyImage {
        let path = "\(folder)/base,1.qcow2"
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2", path, "3G"]).run()
        return ReadyImage(disk: path)
    }

    @Test("it is as large as asked, over its base; a second make keeps it; leftovers go")
    func make() async throws {
        try await QEMUFixture.withFolder { folder in
            let disk = MachineDisk(path: "\(folder)/disk.qcow2", storageGb: 10)
            try await MachineFiles.write("half".utf8, to: "\(disk.path).new", as: nil)
            try await disk.make(over: try await base(folder))
            #expect(try MachineDisk.virtualBytes(disk.path) == 10 << 30)
            #expect(
                try Set(MachineFiles.names(in: folder)) == ["base,1.qcow2", "disk.qcow2", "disk.qcow2.json"])
            let info = try await Command("qemu-img", ["info", disk.path]).run().standardOutput
            #expect(info.contains("backing file: \(folder)/base,1.qcow2"))

            // The owner's bytes survive a second make.
            try await Command("qemu-io", ["-c", "write -P 7 0 4096", disk.path]).run()
            try await disk.make(over: ReadyImage(disk: "/gone"))
            try await Command("qemu-io", ["-c", "read -P 7 0 4096", disk.path]).run()
        }
    }

    @Test("a larger specification makes it grow, and a smaller one leaves it")
    func grow() async throws {
        try await QEMUFixture.withFolder { folder in
            let image = try await base(folder)
            for (asked, expected) in [(10, 10), (20, 20), (10, 20)] as [(Int, UInt64)] {
                let disk = MachineDisk(path: "\(folder)/disk.qcow2", storageGb: asked)
                if !MachineFiles.exists(disk.path) { try await disk.make(over: image) }
                try await disk.grow(by: program)
                #expect(try MachineDisk.virtualBytes(disk.path) == expected << 30)
            }
        }
    }

    @Test(
        "it knows the image that it lies over, with the kernel beside it; one that is gone is not made anew")
    func base() async throws {
        try await QEMUFixture.withFolder { folder in
            let disk = MachineDisk(path: "\(folder)/disk.qcow2", storageGb: 10)
            let image = try await base(folder)
            try await disk.make(over: image)
            #expect(try await disk.base() == image)
            try await MachineFiles.write("x".utf8, to: "\(folder)/kernel", as: nil)
            try await MachineFiles.write("quiet\n".utf8, to: "\(folder)/cmdline", as: nil)
            let kernel = DirectKernel(
                kernel: "\(folder)/kernel", initrd: "\(folder)/initrd", commandLine: "quiet")
            #expect(try await disk.base() == ReadyImage(disk: image.disk, kernel: kernel))
            await #expect(throws: CloudError.self) {
                try await MachineDisk(path: image.disk, storageGb: 3).base()
            }
            try await MachineFiles.remove(disk.path, as: nil)
            await #expect(throws: CloudError.self) { try await disk.grow(by: program) }
            #expect(!MachineFiles.exists(disk.path))
        }
    }

    @Test("an image that does not fit is refused, and nothing is left")
    func tooSmall() async throws {
        try await QEMUFixture.withFolder { folder in
            let image = try await base(folder)
            let error = await #expect(throws: CloudError.self) {
                try await MachineDisk(path: "\(folder)/disk.qcow2", storageGb: 2).make(over: image)
            }
            #expect(error?.code == .unprocessableEntity)
            #expect(try MachineFiles.names(in: folder) == ["base,1.qcow2"])
        }
    }

    @Test("a damaged disk is never made anew")
    func damaged() async throws {
        try await QEMUFixture.withFolder { folder in
            let disk = MachineDisk(path: "\(folder)/disk.qcow2", storageGb: 10)
            try await MachineFiles.write("no disk".utf8, to: disk.path, as: nil)
            await #expect(throws: CloudError.self) { try await disk.make(over: try await base(folder)) }
            #expect(MachineFiles.text(disk.path, limit: 100) == "no disk")
        }
    }
}
