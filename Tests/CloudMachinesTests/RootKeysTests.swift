import CloudCore
import Foundation
import Testing

@testable import CloudMachines

@Suite("Root's keys, whatever the user data")
struct RootKeysTests {
    private static let keys = ["ssh-ed25519 AAAA it's \"é\" $(touch x)", "ssh-rsa BBBB END"]

    private static let config =
        "#cloud-config\nusers: [{name: mallory}]\ndisable_root: true\nssh_authorized_keys: []\n"

    /// User data that takes away what our cloud-config says of root.
    private static let hostile = [
        "#cloud-config-archive\n- |\n  \(config.replacingOccurrences(of: "\n", with: "\n  "))\n",
        "## template: jinja\n\(config)merge_how: dict(replace)+list()+str()\n",
        "\(config)merge_how: dict(replace)+list()+str()\n",
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/cloud-config\n\n\(config)--b--\n",
        "#cloud-config-jsonp\n[{\"op\": \"remove\", \"path\": \"/users\"}]\n",
    ]

    /// A hook as it runs in a guest, but for the folders.
    private func run(_ hook: String, in folder: String) async throws {
        try Data(
            hook.replacing("/root/", with: "\(folder)/root/").replacing("/var/lib/cloud/", with: "\(folder)/")
                .utf8
        ).write(to: URL(fileURLWithPath: "\(folder)/hook"))
        try await Command("sh", ["\(folder)/hook"]).run()
    }

    @Test("they are let in before any of it is read, also where it replaces all that our cloud-config says")
    func survive() async throws {
        var machine = try QEMUFixture.machine(keys: Self.keys)
        var seeds: [Data] = []
        for userData in Self.hostile {
            machine.userData = userData
            seeds.append(Data(MachineSeed(machine, networkMode: .user, nameservers: []).userData.utf8))
        }
        for (index, reading) in try await CloudInit.read(seeds).enumerated() {
            #expect(reading.error == nil && reading.warnings == [])
            #expect(
                reading.config.users?.contains { $0.name == "root" } != true, "\(Self.hostile[index])")
            #expect(reading.parts[0][0] == "text/cloud-boothook")
            try await QEMUFixture.withFolder { folder in
                try await run(reading.hooks[0], in: folder)
                let file = "\(folder)/root/.ssh/authorized_keys"
                #expect(
                    MachineFiles.text(file, limit: 1000)
                        == "\nssh-ed25519 AAAA it's \"?\" $(touch x)\nssh-rsa BBBB END\n")
                let attributes = try FileManager.default.attributesOfItem(atPath: file)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
        }
    }

    @Test(
        "they are let in once: a key that the owner took away does not come back, in an older guest neither")
    func once() async throws {
        var machine = try QEMUFixture.machine(keys: Self.keys)
        machine.userData = "#!/bin/sh\n"
        let seed = MachineSeed(machine, networkMode: .user, nameservers: []).userData
        let hook = try #require(try await CloudInit.read([Data(seed.utf8)])[0].hooks.first)
        try await QEMUFixture.withFolder { folder in
            let file = "\(folder)/root/.ssh/authorized_keys"
            try await run(hook, in: folder)
            try await MachineFiles.write("ssh-ed25519 CCCC".utf8, to: file, as: nil)
            try await run(hook, in: folder)
            #expect(MachineFiles.text(file, limit: 1000) == "ssh-ed25519 CCCC")
        }
        try await QEMUFixture.withFolder { folder in
            // As cloud-init leaves it behind once it has made the users.
            try await MachineFiles.makeFolder("\(folder)/instance", as: nil)
            try await MachineFiles.makeFolder("\(folder)/instance/sem", as: nil)
            try await MachineFiles.write("".utf8, to: "\(folder)/instance/sem/config_users_groups", as: nil)
            try await run(hook, in: folder)
            #expect(!MachineFiles.exists("\(folder)/root"))
        }
    }
}
