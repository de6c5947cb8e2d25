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
        userData = machine.userData.map { Self.archive(access, $0) } ?? access
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

    /// Our part and the owner's as one MIME archive (cloud-init, "User data formats"). Lists of the owner's, users among
    /// them, are appended to ours, and what we say of root's login stands (cloud-init, "Merging user data sections").
    /// The owner's part is in base64, so that nothing in it can end it; cloud-init finds out its format itself.
    private static func archive(_ access: String, _ userData: String) -> String {
        let boundary = "==strettch-part=="
        let base64 = Data(userData.utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithLineFeed,
        ])
        return """
            Content-Type: multipart/mixed; boundary="\(boundary)"
            MIME-Version: 1.0

            --\(boundary)
            Content-Type: text/cloud-config; charset="utf-8"

            \(access)
            --\(boundary)
            Content-Type: text/plain; charset="utf-8"
            Content-Transfer-Encoding: base64
            X-Merge-Type: list(append)+dict(no_replace,recurse_list)+str()

            \(base64)
            --\(boundary)--

            """
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

/// The one thing of YAML that can't be written plainly.
enum YAML {
    /// A double-quoted scalar (YAML 1.2, section 7.3.1) that reads back as `text`, whatever it holds, on one line.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            // Control characters, line and paragraph separators, the byte order mark and non-characters.
            case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}",
                "\u{FFFF}":
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
