/// The argument vector of one machine's QEMU, as a function of a value. Nothing in it depends on the host's state.
struct QEMUArguments {
    var machine: Machine
    var image: ReadyImage
    var directory: MachineDirectory
    var uuid: MachineUUID
    var accelerator: Accelerator
    var networkMode: NetworkMode
    /// The unprivileged user (and group) that QEMU becomes after it has opened all it needs; `nil` when it is started
    /// by an unprivileged user anyway.
    var uid: UInt32?
    var version: QEMUVersion
    /// The largest packet that the guest may send; `nil`: what it always has. Its driver takes it at each start, whatever
    /// its image and its seed.
    var mtu: Int?
    /// The board of a machine that comes from another host, as that host calls it: QEMU waits for it, and the guest does
    /// not go on by itself. `nil`: it boots.
    var arrivesOn: String?
    /// The network card is behind a port of its own, as that of a guest which was booted ahead.
    var hasNetworkPort = false
    /// The guest is booted ahead: it has a seed that stops it, and gets its network card later. `nil`: it is a compute's.
    var warm: WarmDevices?

    /// What a guest has in place of a compute's seed and network card.
    struct WarmDevices {
        /// The sectors of the seed whose reading stops the guest.
        var gates: [Int]
        /// The tap that its network card will have; `nil` in user mode.
        var tap: String?
    }

    /// Megabytes for translated code, without KVM. QEMU's default is a quarter of the host's RAM, at most 1 GB.
    static let translationCacheMb = 64

    /// The vector without the program's name. Throws `.bug` when the compute's id does not fit into a tap's name.
    var vector: [String] {
        get throws {
            try identity + computer + boot + storage + seed + network + console + monitor + confinement
                + waiting
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
        return ["-kernel", kernel.kernel, "-initrd", kernel.initrd, "-append", kernel.commandLine]
    }

    /// Said of the disk: QEMU must neither close nor open it once more in a move, since it is another user by then.
    static let writableForGood = "auto-read-only=off"

    /// Says to the guest how large its packets may be.
    private static let mtuOption = "host_mtu="

    /// What a machine with these words, as `/proc/<pid>/cmdline` has them, was told of its MTU.
    static func guestMtu(of commandLine: String) -> Int? {
        commandLine.split { $0 == "," || $0 == "\0" }.first { $0.hasPrefix(mtuOption) }
            .flatMap { Int($0.dropFirst(mtuOption.count)) }
    }

    /// Disk first, so that it is the guest's `vda`.
    ///
    /// cache=writeback: a guest's flush reaches the host's disk (fdatasync), so it is as safe as `none`; the pages
    /// of a base image are shared by all guests over it; and it works on file systems without O_DIRECT.
    private var storage: [String] {
        [
            "-drive",
            "if=none,id=disk,file=\(Self.escaped(directory.disk)),format=qcow2,cache=writeback,discard=unmap,"
                + "detect-zeroes=unmap,\(Self.writableForGood)",
            "-device", "virtio-blk-pci,drive=disk,bootindex=1",
        ]
    }

    private var seed: [String] {
        get throws {
            if let warm { return try WarmMonitor.seed(directory.seed, gates: warm.gates) }
            return [
                "-drive", "if=none,id=seed,file=\(Self.escaped(directory.seed)),format=raw,readonly=on",
                "-device", "virtio-blk-pci,drive=seed",
            ]
        }
    }

    /// A port into which a network card can be plugged while the guest runs.
    static let networkPort = "pcie-root-port,id=\(networkPortName),chassis=1"
    static let networkPortName = "network-port"

    private var network: [String] {
        get throws {
            if let warm {
                return ["-device", Self.networkPort]
                    + (warm.tap.map { ["-netdev", "tap,id=net,ifname=\($0),script=no,downscript=no"] } ?? [])
            }
            let backend =
                switch networkMode {
                case .bridged: "tap,id=net,ifname=\(try machine.attachment.tapName()),script=no,downscript=no"
                case .user:
                    "user,id=net,restrict=no"
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
    }

    /// The serial console: a socket for the operator, and a log (`LogFile` bounds it).
    private var console: [String] {
        [
            "-chardev",
            "socket,id=serial,path=\(Self.escaped(directory.serialSocket)),server=on,wait=off,"
                + "logfile=\(Self.escaped(directory.consoleLog)),logappend=on",
            "-serial", "chardev:serial",
        ]
    }

    private var monitor: [String] {
        [
            "-msg", "timestamp=on", "-pidfile", directory.pidFile,
            "-qmp", "unix:\(Self.escaped(directory.monitorSocket)),server=on,wait=off",
        ]
    }

    private var waiting: [String] { arrivesOn == nil ? [] : ["-S", "-incoming", "defer"] }

    /// QEMU's seccomp sandbox. `spawn=deny` rules out `-daemonize` (it forks), hence `Command.startDetached`.
    /// Becoming another user needs set*uid, which `elevateprivileges=deny` forbids; without a capability, with
    /// no_new_privs set (as seccomp does) and exec denied there is nothing left to elevate with.
    private var confinement: [String] {
        let elevate = uid == nil ? "deny" : "allow"
        return ["-sandbox", "on,obsolete=deny,elevateprivileges=\(elevate),spawn=deny,resourcecontrol=deny"]
            + (uid.map { version.becoming(uid: $0) } ?? [])
    }

    /// In QEMU's option syntax a comma in a value is written twice.
    static func escaped(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }
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

    /// The option to become another user; `-runas` is deprecated since 9.1 (QEMU, "Deprecated features").
    func becoming(uid: UInt32) -> [String] {
        self >= QEMUVersion(major: 9, minor: 1)
            ? ["-run-with", "user=\(uid):\(uid)"] : ["-runas", "\(uid):\(uid)"]
    }

    static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
