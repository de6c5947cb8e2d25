/// What the host has to give: numbers, and what the doctor thinks of them.
struct DoctorResources: Sendable, Equatable {
    var freeDiskMb: Int
    var freeInodes: Int
    var availableMemoryMb: Int

    /// Below this there is no room for one image and one machine.
    static let leastDiskMb = 5 * 1024
    /// Below this a few machines that fill their disks fill the host's.
    static let goodDiskMb = 20 * 1024
    static let goodInodes = 10_000
    /// The smallest specification's RAM.
    static let leastMemoryMb = 512
    static let goodMemoryMb = 2048

    var findings: [DoctorFinding] { [disk, inodes, memory] }

    private var disk: DoctorFinding {
        let meaning = "\(freeDiskMb) MB free in the data folder"
        let remedy = "free some space, or give a folder on another disk with --data"
        switch freeDiskMb {
        case ..<Self.leastDiskMb:
            return DoctorFinding(
                "Disk", .failed, "\(meaning): too little for an image and a machine", remedy: remedy)
        case ..<Self.goodDiskMb:
            return DoctorFinding(
                "Disk", .warning, "\(meaning): disks grow as guests write, and fill it soon", remedy: remedy)
        default: return DoctorFinding("Disk", .ok, meaning)
        }
    }

    private var inodes: DoctorFinding {
        let meaning = "\(freeInodes) free in the data folder"
        return freeInodes < Self.goodInodes
            ? DoctorFinding(
                "Inodes", .warning, "\(meaning): image builds need thousands",
                remedy: "remove small files, or give a folder on another file system with --data")
            : DoctorFinding("Inodes", .ok, meaning)
    }

    private var memory: DoctorFinding {
        let meaning = "\(availableMemoryMb) MB available"
        switch availableMemoryMb {
        case ..<Self.leastMemoryMb:
            return DoctorFinding(
                "Memory", .failed, "\(meaning): less than the smallest machine has",
                remedy: "end other programs, or use a larger host")
        case ..<Self.goodMemoryMb:
            return DoctorFinding(
                "Memory", .warning, "\(meaning): room for one or two small machines",
                remedy: "lower memoryOvercommit if guests are killed for want of memory")
        default: return DoctorFinding("Memory", .ok, meaning)
        }
    }

    /// Whether guests can have control groups of their own.
    ///
    /// - Parameter controllers: what version 2's root says of its controllers; `nil`: it is not there.
    static func groups(controllers: String?) -> DoctorFinding {
        let check = "Control groups"
        let present = Set((controllers ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
        let missing = GuestGroups.required.filter { !present.contains($0) }
        guard !missing.isEmpty else {
            return DoctorFinding(
                check, .ok, "version 2, with \(GuestGroups.required.joined(separator: ", "))")
        }
        let why =
            controllers == nil
            ? "version 2 is not mounted at \(GuestGroups.mount)"
            : "version 2 lacks \(missing.joined(separator: ", "))"
        return DoctorFinding(
            check, .warning, "\(why): guests run without limits of their own",
            remedy: "boot the host with systemd.unified_cgroup_hierarchy=1")
    }

    /// The size of a number of blocks.
    static func megabytes(blocks: UInt64, size: UInt64) -> Int { Int((blocks * size) >> 20) }

    /// The megabytes that `/proc/meminfo` calls available; `nil` when it doesn't say.
    static func availableMb(meminfo: String) -> Int? {
        meminfo.firstMatch(of: /MemAvailable: *([0-9]+) kB/).flatMap { Int($0.1) }.map { $0 / 1024 }
    }
}
