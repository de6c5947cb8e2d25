import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What guests run on, and why, for the operator.
public struct AcceleratorChoice: Sendable, Equatable, Codable {
    public var accelerator: Accelerator
    public var reason: String

    public init(_ accelerator: Accelerator, reason: String) {
        self.accelerator = accelerator
        self.reason = reason
    }
}

/// Finds out whether KVM runs guest code here. A `/dev/kvm` that opens proves nothing: inside a virtual machine it
/// may open, and its guests hang or QEMU ends. So a boot sector is run on the very processor that guests get, once per
/// boot of the host.
struct AcceleratorProbe {
    var program: String
    /// Where the answer is remembered, and the boot sector lies while it runs.
    var folder: String
    /// Who runs it: as for guests, a user of its own, so that what may not use KVM shows here.
    var uid = MachineUser.uid(0)
    /// Seconds that the boot sector may take: 0.1 under KVM and under TCG alike.
    var timeoutSeconds = 5

    private var memory: String { "\(folder)/accelerator.json" }

    private struct Memory: Codable {
        var bootId: String
        /// Who it was tried as; `nil`: our own user.
        var uid: UInt32?
        var choice: AcceleratorChoice
    }

    /// The answer of this boot of the host. Throws when the folder can't be written.
    func choice() async throws -> AcceleratorChoice {
        let bootId =
            MachineFiles.text("/proc/sys/kernel/random/boot_id", limit: 64)?.filter { !$0.isWhitespace } ?? ""
        // An unreadable memory is no memory: the probe is run again.
        if let bytes = MachineFiles.bytes(memory, limit: 4096),
            let known = try? JSONDecoder().decode(Memory.self, from: Data(bytes)),  // see above
            known.bootId == bootId, known.uid == uid
        {
            return known.choice
        }
        let choice = try await probe()
        let text = try JSONEncoder().encode(Memory(bootId: bootId, uid: uid, choice: choice))
        try await MachineFiles.write(Array(text), to: memory, as: nil)
        return choice
    }

    private func probe() async throws -> AcceleratorChoice {
        do {
            if try await runsGuestCode(.kvm) {
                return AcceleratorChoice(.kvm, reason: "guest code runs on /dev/kvm")
            }
            return emulated("it did not say what it should")
        } catch let error as CloudError where error.code != .serviceUnavailable {
            return emulated(error.detail ?? error.message)
        }
    }

    private func emulated(_ why: String) -> AcceleratorChoice {
        AcceleratorChoice(
            .tcg,
            reason:
                "guests are emulated, which is slow, because a boot sector did not run on /dev/kvm. It is tried "
                + "again after the host's next boot, or when \(memory) is removed. \(program): \(lastWords(why))"
        )
    }

    /// QEMU says last what it ended of; before that stands its whole command line.
    private func lastWords(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).last ?? ""
        return line.count > 120 ? "…\(line.suffix(120))" : String(line)
    }

    /// Whether the boot sector runs. Throws `CloudError` when QEMU fails or exceeds the time limit.
    func runsGuestCode(_ accelerator: Accelerator) async throws -> Bool {
        let disk = "\(folder)/probe.img"
        try await MachineFiles.write(BootSector.disk, to: disk, as: nil)
        let file = QEMUNode.Handed(descriptor: 3, name: disk)
        let output = try await QEMUProgram(program: program, uid: uid, accelerator: accelerator).run(
            [
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35", "-m",
                "16",
            ] + accelerator.arguments + file.words + [
                "-drive", "if=none,id=disk,file=\(file.path),format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=disk,bootindex=1",
                "-chardev", "stdio,id=serial", "-serial", "chardev:serial",
            ], files: [try OpenFile.regular(disk)], within: .seconds(timeoutSeconds))
        return output.contains(BootSector.message)
    }
}
