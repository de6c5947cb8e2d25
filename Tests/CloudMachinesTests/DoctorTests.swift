import CloudCore
import Testing

@testable import CloudMachines

@Suite("The doctor")
struct DoctorTests {
    private static let everything = Set(DoctorTool.all.map(\.program))

    @Test("finds all tools where all are there")
    func complete() {
        let findings = DoctorTool.findings(present: Self.everything, networkMode: .bridged)
        #expect(findings.map(\.check) == ["Tools for machines", "Tools for the network", "Tools for images"])
        #expect(findings.allSatisfy { $0.status == .ok && $0.remedy == nil })
    }

    @Test("names what is missing, what for, and one line that installs it")
    func missing() {
        let present = Self.everything.subtracting(["qemu-img", "nft", "zstd", "lz4"])
        let report = DoctorReport(findings: DoctorTool.findings(present: present, networkMode: .bridged))
        #expect(report.findings.map(\.status) == [.failed, .failed, .warning])
        #expect(report.findings[0].meaning == "qemu-img missing: no machine can start")
        #expect(report.installLine == "apt-get install --no-install-recommends lz4 nftables qemu-utils zstd")
        #expect(!report.isHealthy)
    }

    @Test("asks for no tools of the bridged network in user mode")
    func userMode() {
        let present = Self.everything.subtracting(["nft", "ip"])
        #expect(DoctorTool.findings(present: present, networkMode: .user).allSatisfy { $0.status == .ok })
    }

    @Test(
        "judges QEMU by its version",
        arguments: [
            ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", DoctorFinding.Status.ok),
            ("QEMU emulator version 10.0.2", .ok), ("QEMU emulator version 6.2.0", .warning),
            ("Segfault", .failed),
        ])
    func qemu(output: String, status: DoctorFinding.Status) {
        #expect(DoctorTool.qemu(output).status == status)
    }

    @Test("judges disk, inodes and memory by what machines need")
    func resources() {
        func statuses(_ disk: Int, _ inodes: Int, _ memory: Int) -> [DoctorFinding.Status] {
            DoctorResources(freeDiskMb: disk, freeInodes: inodes, availableMemoryMb: memory).findings.map(
                \.status)
        }
        #expect(statuses(5 * 1024 - 1, 9_999, 511) == [.failed, .warning, .failed])
        #expect(statuses(5 * 1024, 10_000, 512) == [.warning, .ok, .warning])
        #expect(statuses(20 * 1024, 10_000, 2048) == [.ok, .ok, .ok])
    }

    @Test("counts blocks smaller than a megabyte")
    func megabytes() {
        #expect(DoctorResources.megabytes(blocks: 512, size: 4096) == 2)
        #expect(DoctorResources.megabytes(blocks: 19_398_656, size: 4096) == 75_776)
    }

    @Test("reads the available memory out of /proc/meminfo")
    func meminfo() {
        #expect(
            DoctorResources.availableMb(meminfo: "MemTotal:  9 kB\nMemAvailable:    2097152 kB\n") == 2048)
        #expect(DoctorResources.availableMb(meminfo: "MemTotal: 9 kB") == nil)
    }

    @Test("a taken port is a warning, since it may be ours; a free one is well")
    func port() {
        #expect(DoctorPort(host: "127.0.0.1", port: 0).finding.status == .ok)
        #expect(DoctorPort(host: "198.51.100.77", port: 0).finding.status == .failed)
        #expect(DoctorPort(host: "example.org", port: 80).finding.status == .ok)
    }

    @Test("the table has a line per finding, the remedies, and the conclusion")
    func table() throws {
        let report = DoctorReport(findings: [
            DoctorFinding("QEMU", .ok, "7.2"),
            DoctorFinding("Inodes", .warning, "3 free", remedy: "remove files"),
            DoctorFinding(
                "Tools", .failed, "nft missing", remedy: "install nftables", packages: ["nftables"]),
        ])
        #expect(
            report.table == """
                ok       QEMU    7.2
                warning  Inodes  3 free
                                 → remove files
                failed   Tools   nft missing
                                 → install nftables

                Install what is missing:
                  apt-get install --no-install-recommends nftables

                Not ready: 1 failed, 1 with a warning.
                """)
        #expect(try report.json().contains(#""status" : "warning""#))
        #expect(DoctorReport(findings: [report.findings[0]]).table.hasSuffix("\n\nReady."))
        #expect(
            DoctorReport(findings: [report.findings[1]]).table.hasSuffix("\n\nReady, with 1 to think about."))
    }
}

@Suite("The doctor's words")
struct DoctorWordsTests {
    @Test("a long meaning is cut in the table, and whole in the JSON")
    func brief() throws {
        let report = DoctorReport(findings: [
            DoctorFinding("A", .ok, String(repeating: "x", count: 241)),
            DoctorFinding("B", .ok, "first\nsecond"),
        ])
        #expect(
            report.table.contains("ok       A  \(String(repeating: "x", count: 240))… (all of it: --json)\n"))
        #expect(report.table.contains("ok       B  first… (all of it: --json)\n"))
        #expect(try report.json().contains("first\\nsecond"))
    }
}

@Suite("The doctor, on the network")
struct DoctorNetworkTests {
    private func judge(pool: String = "195.15.0.0/24") throws -> DoctorNetwork {
        DoctorNetwork(settings: try NetworkSettings(publicPool: [pool]))
    }

    private let addresses = """
        [{"ifname":"lo","flags":["UP"],"addr_info":[
            {"family":"inet","local":"127.0.0.1","prefixlen":8,"label":"lo"},
            {"family":"inet","local":"195.15.0.9","prefixlen":32,"label":"lo:st"}]},
         {"ifname":"st-br1","flags":["UP"],"addr_info":[{"family":"inet","local":"10.0.4.1","prefixlen":22}]},
         {"ifname":"eth0","flags":["UP"],"addr_info":[{"family":"inet","local":"192.168.1.2","prefixlen":24}]}]
        """

    private let routes = """
        [{"dst":"default","gateway":"192.168.1.1","dev":"eth0"},{"dst":"192.168.1.0/24","dev":"eth0"},
         {"dst":"10.0.4.0/22","dev":"st-br1"}]
        """

    @Test("ranges that are free are well, our own addresses and routes aside")
    func free() throws {
        let findings = try judge().ranges(addresses: addresses, routes: routes)
        #expect(findings.map(\.status) == [.ok, .ok])
    }

    @Test("a host that lives in the private range, or has a route into it, is warned")
    func overlap() throws {
        let address = addresses.replacing("192.168.1.2", with: "10.9.9.9")
        #expect(try judge().ranges(addresses: address, routes: routes)[1].meaning.contains("10.9.9.9 (eth0)"))
        let route = routes.replacing("192.168.1.0/24", with: "10.9.9.9")
        let finding = try judge().ranges(addresses: addresses, routes: route)[1]
        #expect(finding.status == .warning && finding.meaning.contains("10.9.9.9/32 (eth0)"))
    }

    @Test("a pool that holds the host's own address fails, one for documentation is a warning")
    func pool() throws {
        let address = addresses.replacing("192.168.1.2", with: "195.15.0.2")
        #expect(try judge().ranges(addresses: address, routes: routes)[0].status == .failed)
        #expect(
            try judge(pool: "203.0.113.0/24").ranges(addresses: addresses, routes: routes)[0].status
                == .warning)
    }
}
