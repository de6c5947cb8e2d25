/// The argument vector of one machine's QEMU, as a function of a value. Nothing in it depends on the host's state, and it
/// has QEMU open no file by its name: QEMU is handed them open (`Handle`).
struct QEMUArguments {
    var machine: Machine
    var image: ReadyImage
    /// Whose files they are; for whoever looks at the process.
    var directory: MachineDirectory
    var uuid: MachineUUID
    var accelerator: Accelerator
    var networkMode: NetworkMode
    /// The largest packet that the guest may send; `nil`: what it always has. Its driver takes it at each start, whatever
    /// its image and its seed.
    var mtu: Int?
    /// In user mode, the guest reaches nothing at all: neither the internet nor what listens on the host.
    var isRestricted = true
    /// The board of a machine that comes from another host, as that host calls it: QEMU waits for it, and the guest does
    /// not go on by itself. `nil`: it boots.
    var arrivesOn: String?
    /// The network card is behind a port of its own, as that of a guest which was booted ahead.
    var hasNetworkPort = false
    /// Which of our boards it has: another only for one that comes from another host.
    var layout = BoardLayout.present
    /// The guest is booted ahead: it has a seed that stops it, and gets its network card later. `nil`: it is a compute's.
    var warm: WarmDevices?

    /// What a guest has in place of a compute's seed and network card.
    struct WarmDevices {
        /// The sectors of the seed whose reading stops the guest.
        var gates: [Int]
    }

    /// What QEMU gets open, as its descriptors 3 and on, in this order.
    enum Handle: Sendable, CaseIterable {
        case disk, base, seed, monitor, serial, consoleLog, tap, kernel, initrd, agent
    }

    var handles: [Handle] {
        Handle.allCases.filter { handle in
            switch handle {
            case .disk, .base, .seed, .monitor, .serial, .consoleLog: true
            case .tap: networkMode == .bridged
            case .kernel, .initrd: image.kernel != nil
            case .agent: layout.hasAgent
            }
        }
    }

    private func descriptor(_ handle: Handle) -> Int { 3 + (handles.firstIndex(of: handle) ?? 0) }

    private func handed(_ handle: Handle, _ name: String) -> QEMUNode.Handed {
        QEMUNode.Handed(descriptor: descriptor(handle), name: name)
    }

    /// Megabytes for translated code, without KVM. QEMU's default is a quarter of the host's RAM, at most 1 GB.
    static let translationCacheMb = 64

    /// The vector without the program's name.
    var vector: [String] {
        get throws {
            try identity + computer + boot + storage + seed + network + extras + console + monitor
                + QEMUProgram.sandbox + waiting
        }
    }

    private var identity: [String] {
        let name = "strettch-\(machine.id)"
        return ["-name", "guest=\(name),process=\(name)", "-uuid", uuid.description]
    }

    /// A guest that powers itself off leaves its process paused (`MachineStatus.poweredOff`); so a process that is gone
    /// has crashed. q35 boots quicker than pc. Nothing that is not asked for: no VGA, no VNC, no floppy, no option ROMs.
    private var computer: [String] {
        return [
            "-nodefaults", "-no-user-config", "-display", "none", "-action", "shutdown=pause", "-machine",
            arrivesOn ?? "q35",
        ]
            + accelerator.arguments
            + ["-smp", "\(machine.vcpus)", "-m", "\(machine.memoryMb)", "-device", "virtio-rng-pci"]
    }

    private var boot: [String] {
        guard let kernel = image.kernel else { return [] }
        return [
            "-kernel", "/proc/self/fd/\(descriptor(.kernel))", "-initrd",
            "/proc/self/fd/\(descriptor(.initrd))", "-append", kernel.commandLine,
        ]
    }

    /// Says to the guest how large its packets may be.
    private static let mtuOption = "host_mtu="

    /// What a machine with these words, as `/proc/<pid>/cmdline` has them, was told of its MTU.
    static func guestMtu(of commandLine: String) -> Int? {
        commandLine.split { $0 == "," || $0 == "\0" }.first { $0.hasPrefix(mtuOption) }
            .flatMap { Int($0.dropFirst(mtuOption.count)) }
    }

    /// Disk first, so that it is the guest's `vda`.
    private var storage: [String] {
        get throws {
            try QEMUNode.disk(handed(.disk, directory.disk), over: handed(.base, image.disk)) + [
                "-device", "virtio-blk-pci,drive=\(QEMUNode.disk),bootindex=1,write-cache=on",
            ]
        }
    }

    private var seed: [String] {
        get throws {
            let file = handed(.seed, directory.seed)
            if let warm { return try WarmMonitor.seed(file, gates: warm.gates) }
            return try QEMUNode.seed(file) + [
                "-device", "virtio-blk-pci,drive=\(QEMUNode.seed)",
            ]
        }
    }

    /// A port into which a network card can be plugged while the guest runs.
    static let networkPort = "pcie-root-port,id=\(networkPortName),chassis=1"
    static let networkPortName = "network-port"

    private var tap: String { "tap,id=net,fd=\(descriptor(.tap))" }

    private var network: [String] {
        if warm != nil {
            return ["-device", Self.networkPort] + (networkMode == .bridged ? ["-netdev", tap] : [])
        }
        let backend =
            switch networkMode {
            case .bridged: tap
            case .user:
                "user,id=net,restrict=\(isRestricted ? "yes" : "no"),ipv6=off"
                    + (machine.attachment.sshPort.map { ",hostfwd=tcp:127.0.0.1:\($0)-:22" } ?? "")
            }
        let port = hasNetworkPort ? ["-device", Self.networkPort] : []
        return ["-netdev", backend] + port + [
            "-device",
            "virtio-net-pci,netdev=net,mac=\(machine.attachment.mac),"
                + (mtu.map { "\(Self.mtuOption)\($0)," } ?? "") + "romfile="
                + (hasNetworkPort ? ",bus=\(Self.networkPortName)" : ""),
        ]
    }

    /// Behind all else, so that what a guest has always had stays in its place.
    private var extras: [String] {
        guard layout.hasAgent else { return [] }
        return [
            "-chardev", "socket,id=\(BoardLayout.agentName),fd=\(descriptor(.agent)),server=on,wait=off",
            "-device",
            "virtio-serial-pci", "-device",
            "virtserialport,chardev=\(BoardLayout.agentName),name=\(BoardLayout.agentPort)", "-device",
            "virtio-balloon-pci,id=balloon,free-page-reporting=on",
        ]
            + (1...BoardLayout.sparePorts).flatMap {
                [
                    "-device",
                    "pcie-root-port,id=spare-port-\($0),chassis=\(BoardLayout.firstSpareChassis + $0)",
                ]
            }
    }

    /// The serial console: a socket for the operator, and a log (`MachineOutput`).
    private var console: [String] {
        let log = handed(.consoleLog, directory.consoleLog)
        return log.words + [
            "-chardev",
            "socket,id=serial,fd=\(descriptor(.serial)),server=on,wait=off,logfile=\(log.path),logappend=on",
            "-serial", "chardev:serial",
        ]
    }

    private var monitor: [String] {
        [
            "-msg", "timestamp=on", "-chardev",
            "socket,id=monitor,fd=\(descriptor(.monitor)),server=on,wait=off",
        ]
            + QEMUProgram.monitor
    }

    private var waiting: [String] { arrivesOn == nil ? [] : ["-S", "-incoming", "defer"] }
}

/// What runs a guest's code.
public enum Accelerator: String, Sendable, Codable {
    /// The processor itself.
    case kvm
    /// QEMU's emulator, some ten times slower; works everywhere.
    case tcg

    /// The same for guests and for the probe, so that what the probe finds holds for guests.
    var arguments: [String] {
        switch self {
        case .kvm: ["-accel", "kvm", "-cpu", "host"]
        // Five-level paging (la57) makes each miss of the emulated TLB walk one table more, for nothing.
        case .tcg:
            ["-accel", "tcg,thread=multi,tb-size=\(QEMUArguments.translationCacheMb)", "-cpu", "max,-la57"]
        }
    }
}

/// The version of the installed QEMU, as far as its options differ.
struct QEMUVersion: Sendable, Equatable, Comparable {
    var major: Int
    var minor: Int

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads the first line of `qemu-system-x86_64 --version`: `QEMU emulator version 7.2.22 (Debian …)`.
    init?(_ output: String) {
        let words = output.split(whereSeparator: \.isWhitespace)
        guard let index = words.firstIndex(of: "version"), index + 1 < words.count else { return nil }
        let numbers = words[index + 1].split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return nil }
        self.init(major: numbers[0], minor: numbers[1])
    }

    /// The boards that a guest of ours may have, out of what `-machine help` prints: a name and a description in each line.
    static func boards(_ help: String) -> Set<String> {
        let names = help.split(whereSeparator: \.isNewline).compactMap { line in
            line.split(separator: " ").first.map(String.init)
        }
        return Set(names.filter { $0.wholeMatch(of: /pc-q35-[A-Za-z0-9.]+/) != nil })
    }

    static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
