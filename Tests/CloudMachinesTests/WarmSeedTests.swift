import CloudCore
import Testing

@testable import CloudMachines

@Suite("The seed of a guest that is booted ahead")
struct WarmSeedTests {
    private func seed(userData: String? = nil, keys: [String] = ["ssh-ed25519 AAAA root@test"]) throws
        -> MachineSeed
    {
        var machine = try QEMUFixture.machine(keys: keys)
        machine.userData = userData
        return MachineSeed(machine, networkMode: .bridged, nameservers: [], clockMs: 1_790_000_000_999)
    }

    @Test("it tells a guest whose clock has stood still what time it is, once")
    func clock() throws {
        let line = #"  - [cloud-init-per, once, strettch-clock, date, -u, -s, "@1790000000"]"#
        #expect(try seed().userData.hasSuffix("root@test\"\nbootcmd:\n\(line)\n"))
        #expect(try seed(userData: "#!/bin/sh\n").userData.contains("bootcmd:\n\(line)\n"))
    }

    @Test("its files have their places before they say anything, and say what the seed says afterwards")
    func fills() async throws {
        try await QEMUFixture.withFolder { folder in
            let path = "\(folder)/seed.iso"
            let warm = try await WarmSeed.make(at: path)
            #expect(warm.parts.keys.sorted() == ["meta-data", "network-config", "user-data"])
            let size = try #require(MachineFiles.bytes(path, limit: 16 << 20)).count
            for part in warm.parts.values {
                #expect(part.offset >= 4 << 20, "behind all that probes for file systems look at")
                #expect(part.offset + part.length <= size - 1 << 20)
            }
            let seed = try seed(userData: "#!/bin/sh\necho hello\n")
            try await warm.fill(path, with: seed)
            for (name, text) in seed.files {
                let said = try await Command("isoinfo", ["-R", "-i", path, "-x", "/\(name)"]).run()
                    .standardOutput
                #expect(said.hasPrefix(text))
                #expect(said.dropFirst(text.count).allSatisfy { $0 == "#" || $0 == "\n" })
                #expect(said.hasSuffix("#\n") && said.utf8.count == warm.parts[name]?.length)
            }
            #expect(try #require(MachineFiles.bytes(path, limit: 16 << 20)).count == size)
            #expect(!MachineFiles.exists("\(path).d"))
        }
    }

    @Test("a guest is stopped at each block of what its files say, and nowhere else")
    func gates() {
        let seed = WarmSeed(parts: [
            "user-data": .init(offset: 8192, length: 4096), "meta-data": .init(offset: 0, length: 2048),
        ])
        #expect(seed.gates == [0, 16, 20])
    }

    @Test("what is too long for its files does not fit")
    func fits() throws {
        #expect(WarmSeed.fits(try seed()))
        #expect(WarmSeed.fits(try seed(userData: String(repeating: "x", count: UserData.maxLength))))
        let key = "ssh-ed25519 " + String(repeating: "A", count: 8000)
        #expect(!WarmSeed.fits(try seed(keys: Array(repeating: key, count: 16))))
    }
}

@Suite("The arguments of a guest that is booted ahead")
struct WarmArgumentsTests {
    private func arguments(_ change: (inout QEMUArguments) -> Void) throws -> [String] {
        var arguments = QEMUArguments(
            machine: try QEMUFixture.machine(), image: ReadyImage(disk: "/base.qcow2"),
            directory: MachineDirectory(data: "/data", warm: 12345),
            uuid: MachineUUID(installation: "test", id: MachineUUID.firstWarm + 12345), accelerator: .tcg,
            networkMode: .bridged)
        change(&arguments)
        return try arguments.vector
    }

    @Test("it has a seed that stops it, a tap, and a port for the card to come")
    func vector() throws {
        let vector = try arguments { $0.warm = .init(gates: [8000, 8004]) }
        let start = try #require(vector.firstIndex { $0.hasPrefix("fd=5,") }) + 1
        let end = try #require(vector.firstIndex { $0.hasPrefix("socket,id=agent,") }) - 1
        #expect(
            vector[start..<end] == [
                "-blockdev",
                #"{"driver":"file","filename":"/dev/fdset/5","node-name":"seed-file","read-only":true}"#,
                "-blockdev",
                #"{"driver":"blkdebug","image":"seed-file","inject-error":[{"event":"read_aio","iotype":"read","#
                    + #""sector":8000},{"event":"read_aio","iotype":"read","sector":8004}],"node-name":"seed-gate"}"#,
                "-blockdev", #"{"driver":"raw","file":"seed-gate","node-name":"seed","read-only":true}"#,
                "-device", "virtio-blk-pci,drive=seed,rerror=stop",
                "-device", "pcie-root-port,id=network-port,chassis=1",
                "-netdev", "tap,id=net,fd=9",
            ])
    }

    @Test("where it is to come from another host, its card is behind the same port")
    func arrival() throws {
        let vector = try arguments { $0.hasNetworkPort = true }
        let start = try #require(vector.firstIndex(of: "-netdev"))
        #expect(
            vector[start..<start + 6] == [
                "-netdev", "tap,id=net,fd=9",
                "-device", QEMUArguments.networkPort,
                "-device", "virtio-net-pci,netdev=net,mac=52:54:0a:00:00:05,romfile=,bus=network-port",
            ])
    }
}
