import QMP

/// The block nodes of a QEMU of ours, each named, with its format and the open file that it is made of. QEMU is told all
/// of the graph, so no name in a file's header is ever followed.
enum QEMUNode {
    /// The machine's disk, as its guest has it.
    static let disk = "disk"
    static let seed = "seed"
    static let seedFile = "seed-file"
    private static let diskFile = "disk-file"
    private static let base = "base"
    private static let baseFile = "base-file"

    /// Said of the disk: QEMU must neither close nor open it once more in a move, since it can't. Before disks were
    /// nodes, it was an option.
    private static let writableForGood = ["\"auto-read-only\":false", "auto-read-only=off"]

    /// Whether a machine with these words, as `/proc/<pid>/cmdline` has them, keeps its disk open through a move.
    static func keepsDiskOpen(_ commandLine: String) -> Bool {
        writableForGood.contains { commandLine.contains($0) }
    }

    /// A disk over its base: a qcow2 over a qcow2 that lies over nothing.
    ///
    /// A guest's flush reaches the host's disk (fdatasync), and in between the host's page cache has what it wrote, so it
    /// is as safe as without the cache; the pages of a base image are shared by all guests over it; and it works on file
    /// systems without O_DIRECT.
    static func disk(at diskDescriptor: Int, over baseDescriptor: Int) throws -> [String] {
        handed(diskDescriptor) + handed(baseDescriptor)
            + (try nodes([
                file(baseFile, baseDescriptor, ["read-only": true]),
                [
                    "driver": "qcow2", "node-name": .string(base), "file": .string(baseFile),
                    "backing": .null,
                    "read-only": true,
                ],
                file(diskFile, diskDescriptor, ["discard": "unmap", "auto-read-only": false]),
                [
                    "driver": "qcow2", "node-name": .string(disk), "file": .string(diskFile),
                    "backing": .string(base), "discard": "unmap", "detect-zeroes": "unmap",
                    "auto-read-only": false,
                ],
            ]))
    }

    /// A seed, which nobody writes; `through`: nodes between its file and it, the last of which has the file's place.
    static func seed(at descriptor: Int, through: [QMPValue] = [], over last: String = seedFile) throws
        -> [String]
    {
        handed(descriptor)
            + (try nodes(
                [file(seedFile, descriptor, ["read-only": true])] + through + [
                    ["driver": "raw", "node-name": .string(seed), "file": .string(last), "read-only": true]
                ]))
    }

    /// The path of a descriptor that QEMU was handed.
    static func path(_ descriptor: Int) -> String { "/dev/fdset/\(descriptor)" }

    /// Hands the descriptor to what opens `path` of it.
    static func handed(_ descriptor: Int) -> [String] { ["-add-fd", "fd=\(descriptor),set=\(descriptor)"] }

    private static func file(
        _ name: String, _ descriptor: Int, _ options: [String: QMPValue]
    ) -> QMPValue {
        .object(
            options.merging([
                "driver": "file", "node-name": .string(name), "filename": .string(path(descriptor)),
            ]) { $1 })
    }

    private static func nodes(_ nodes: [QMPValue]) throws -> [String] {
        try nodes.flatMap { ["-blockdev", try $0.text] }
    }
}
