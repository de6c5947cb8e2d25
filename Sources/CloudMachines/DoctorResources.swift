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

    /// The size of a number of blocks.
    static func megabytes(blocks: UInt64, size: UInt64) -> Int { Int((blocks * size) >> 20) }

    /// The megabytes that `/proc/meminfo` calls available; `nil` when it doesn't say.
    static func availableMb(meminfo: String) -> Int? {
        meminfo.firstMatch(of: /MemAvailable: *([0-9]+) kB/).flatMap { Int($0.1) }.map { $0 / 1024 }
    }
}
