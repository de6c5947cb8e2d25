import CloudMachines
import CloudTesting
import Foundation
import Testing

@testable import strettch

@Suite("The commands of the API")
struct ClientCommandTests {
    @Test(
        "go through the proxy of the environment, read user data from standard input, and follow over a restart"
    )
    func commands() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let home = ["HOME": cloud.folder, "STRETTCH_CREDENTIALS": "\(cloud.folder)/credentials.json"]
            try await GuestLogin(privateKey: cloud.privateKey).make()
            let create = [
                "compute", "create", "one", "--image", "TINY-1", "--region", "KGL-1", "--specification",
                "S-1C",
                "--key", "\(cloud.privateKey).pub", "--user-data", "-",
            ]
            let script = "#!/bin/sh\necho from standard input\n"
            let made = try await ProgramRun.of(create, environment: home, input: script)
            #expect(made.status == 0, "\(made.error)")
            let twice = try await ProgramRun.of(create + ["--key", "-"], environment: home, input: script)
            #expect(twice.status == ProgramExit.usage.rawValue && twice.error.contains("can be read once"))

            let machine = "\(cloud.data)/machines/1"
            try FileManager.default.createDirectory(atPath: machine, withIntermediateDirectories: true)
            try "first\n\u{1B}[31mlast words\n".write(
                toFile: "\(machine)/qemu.log", atomically: true, encoding: .utf8)
            let shown = try await ProgramRun.of(["admin", "compute", "show", "1", "--data", cloud.data])
            #expect(shown.status == 0, "\(shown.error)")
            for line in ["name      one", "team      default", "attempts  0", "  \u{FFFD}[31mlast words"] {
                #expect(shown.output.split(separator: "\n").contains(Substring(line)), "\(shown.output)")
            }
            let none = try await ProgramRun.of(["admin", "compute", "show", "2", "--data", cloud.data])
            #expect(none.status == ProgramExit.notFound.rawValue)

            let proxy = try ConnectProxy()
            let far = home.merging(["STRETTCH_URL": "http://cloud.example:1"]) { $1 }
            let variables = ["http_proxy": "http://127.0.0.1:\(proxy.port)"]
            let proxied = try await ProgramRun.of(["audit"], environment: far.merging(variables) { $1 })
            #expect(proxied.status == ProgramExit.unavailable.rawValue)
            #expect(Set(proxy.asked) == ["cloud.example:1"])
            let broken = try await ProgramRun.of(
                ["audit"], environment: far.merging(["http_proxy": "ftp://x"]) { $1 })
            #expect(broken.status == ProgramExit.refused.rawValue && broken.error.contains("http_proxy"))
        }
    }
}
