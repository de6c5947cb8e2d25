import CloudTesting
import Testing

@testable import CloudMachines

@Suite("What other programs learn of our environment", .timeLimit(.minutes(1)))
struct ChildEnvironmentTests {
    private let ours = [
        "PATH": "/bin", "HOME": "/root", "LANG": "C.UTF-8", "TMPDIR": "/tmp",
        "https_proxy": "http://u:p@proxy",
        "NO_PROXY": "localhost", "STRETTCH_DATABASE": "postgresql://u:secret@h/d", "STRETTCH_KEY": "k",
        "PGPASSWORD": "secret", "AWS_SECRET_ACCESS_KEY": "secret", "LD_PRELOAD": "/tmp/x.so", "path": "/tmp",
        "NOTIFY_SOCKET": "/run/x",
    ]

    @Test("names that are on the list pass, and nothing else; a proxy's address goes to downloads alone")
    func list() {
        let part = ChildEnvironment.part(of: ours)
        #expect(part.keys.sorted() == ["HOME", "LANG", "PATH", "TMPDIR"])
        let downloads = ChildEnvironment.part(of: ours, forDownloads: true)
        #expect(downloads.keys.sorted() == ["HOME", "LANG", "NO_PROXY", "PATH", "TMPDIR", "https_proxy"])
        #expect(downloads["https_proxy"] == "http://u:p@proxy")
    }

    @Test("a command, and a program that outlives us, have none but these")
    func children() async throws {
        let printed = try await Command("env", []).run().standardOutput
        #expect(names(printed, separator: "\n").isSubset(of: ChildEnvironment.names))
        try await withTemporaryFolder { folder in
            try await Command("env", []).startDetached(log: "\(folder)/log")
            try await eventually("it has printed") {
                MachineFiles.text("\(folder)/log", limit: 1 << 16)?.contains("PATH=") == true
            }
            let log = try #require(MachineFiles.text("\(folder)/log", limit: 1 << 16))
            #expect(names(log, separator: "\n").isSubset(of: ChildEnvironment.names))
        }
    }

    @Test("QEMU has none but these, and neither has what starts it")
    func qemu() async throws {
        try await QEMUFixture.withHost { host, folder in
            let machine = try QEMUFixture.machine()
            try await host.makeDisk(machine, from: QEMUFixture.image)
            try await host.makeSeed(machine)
            try await host.boot(machine)
            let pid = try QEMUFixture.pid(folder, 5)
            let environment = try #require(MachineFiles.text("/proc/\(pid)/environ", limit: 1 << 16))
            // A shell that starts it adds where it is.
            let own: Set = ["PWD", "OLDPWD", "SHLVL", "_"]
            let names = names(environment, separator: "\0")
            #expect(
                names.contains("PATH") && names.isSubset(of: ChildEnvironment.names.union(own)), "\(names)")
        }
    }

    private func names(_ text: String, separator: Character) -> Set<String> {
        Set(text.split(separator: separator).compactMap { $0.split(separator: "=").first.map(String.init) })
    }
}
