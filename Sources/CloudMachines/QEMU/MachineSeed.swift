import CloudCore
import FoundationEssentials

/// What a guest reads its identity from at its first boot: the three files of a NoCloud seed (cloud-init, "NoCloud").
struct MachineSeed: Sendable, Equatable {
    var metaData: String
    var userData: String
    /// Version 2 (cloud-init, "Networking config Version 2").
    var networkConfig: String

    /// - Parameters:
    ///   - mtu: the largest packet that the guest may send; `nil`: what it always has.
    ///   - clockMs: what time it is, for a guest whose clock has stood still; `nil`: it knows.
    init(
        _ machine: Machine, networkMode: NetworkMode, nameservers: [IPv4Address], mtu: Int? = nil,
        clockMs: Int64? = nil
    ) {
        metaData = """
            instance-id: \(YAML.quoted("strettch-\(machine.id)"))
            local-hostname: \(YAML.quoted(machine.hostName))

            """
        // Root's keys stand under `users`, not at the top, so that the image's default user is not made beside root.
        let access = """
            #cloud-config
            disable_root: false
            ssh_pwauth: false
            users:
              - name: root
                ssh_authorized_keys:
            \(machine.publicKeys.map { "      - \(YAML.quoted($0))" }.joined(separator: "\n"))
            \(clockMs.map(Self.clock) ?? "")
            """
        userData = machine.userData.map { SeedArchive.text(access, machine.publicKeys, $0) } ?? access
        // The address is quoted, since `52:54:10:00:00:05` is a number to base 60 in YAML 1.1.
        networkConfig = """
            version: 2
            ethernets:
              primary:
                match:
                  macaddress: "\(machine.attachment.mac)"
            \(mtu.map { "    mtu: \($0)\n" } ?? "")\(Self.addressing(machine.attachment, networkMode, nameservers))

            """
    }

    /// Once in the guest's life, since the seed may be read again (cloud-init, "cloud-init-per").
    private static func clock(_ nowMs: Int64) -> String {
        "bootcmd:\n  - [cloud-init-per, once, strettch-clock, date, -u, -s, \"@\(nowMs / 1000)\"]\n"
    }

    private static func addressing(
        _ attachment: NetworkAttachment, _ mode: NetworkMode, _ nameservers: [IPv4Address]
    ) -> String {
        switch mode {
        case .user: "    dhcp4: true"
        // `0.0.0.0/0` and not `default`, which older releases of cloud-init don't know. The tiny guest takes the
        // first address/prefix in the file for its own, so `addresses` comes before `routes`.
        case .bridged:
            """
                addresses:
                  - \(attachment.privateIpv4)/\(attachment.network.prefix)
                routes:
                  - to: 0.0.0.0/0
                    via: \(attachment.network.gateway)
                nameservers:
                  addresses: [\(nameservers.map(\.description).joined(separator: ", "))]
            """
        }
    }

    /// What stands in the image, by name.
    var files: [(name: String, text: String)] {
        [("meta-data", metaData), ("user-data", userData), ("network-config", networkConfig)]
    }

    /// Writes the seed as an ISO 9660 image labelled `cidata` to `path`, for which `<path>.new` and `<path>.d`
    /// are used on the way. After a crash at any point there is the old image, the new one, or none.
    func write(to path: String) async throws {
        let folder = "\(path).d"
        let temporary = "\(path).new"
        try await MachineFiles.makeFolder(folder, as: .makeSeedFolder)
        for (name, text) in files {
            try await MachineFiles.write(text.utf8, to: "\(folder)/\(name)", as: .writeSeedFile)
        }
        try await MachineFiles.remove(temporary, as: .dropHalfSeed)
        try await Command(
            "genisoimage", ["-quiet", "-output", temporary, "-volid", "cidata", "-joliet", "-rock", folder]
        ).run(as: .createSeed)
        try await MachineFiles.publish(temporary, to: path, as: .publishSeed)
        for (name, _) in files { try await MachineFiles.remove("\(folder)/\(name)", as: .dropSeedFile) }
        try await MachineFiles.removeFolder(folder, as: .dropSeedFolder)
    }
}
