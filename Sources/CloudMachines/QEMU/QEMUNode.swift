import QMP

/// The block nodes of a QEMU of ours, each named, with its format and the open file that it is made of. QEMU is told all
/// of the graph, so no name in a file's header is ever followed.
enum QEMUNode {
    /// The machine's disk, as its guest has it.
    static let disk = "disk"
    /// The disk that another is copied to.
    static let target = "target"
    static let seed = "seed"
    static let seedFile = "seed-file"
    private static let diskFileName = "disk-file"
    private static let base = "base"
    private static let baseFileName = "base-file"

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
    static func disk(_ diskFile: Handed, over baseFile: Handed) throws -> [String] {
        diskFile.words + baseFile.words
            + (try nodes([
                file(baseFileName, baseFile, ["read-only": true]),
                [
                    "driver": "qcow2", "node-name": .string(base), "file": .string(baseFileName),
                    "backing": .null,
                    "read-only": true,
                ],
                file(diskFileName, diskFile, ["discard": "unmap", "auto-read-only": false]),
                [
                    "driver": "qcow2", "node-name": .string(disk), "file": .string(diskFileName),
                    "backing": .string(base), "discard": "unmap", "detect-zeroes": "unmap",
                    "auto-read-only": false,
                ],
            ]))
    }

    /// A disk that is only read, and stands alone. Whatever its header says, it lies over nothing.
    static func source(_ handed: Handed, format: String) throws -> [String] {
        var node: [String: QMPValue] = [
            "driver": .string(format), "node-name": .string(disk), "file": .string(diskFileName),
            "read-only": true,
        ]
        if format == "qcow2" { node["backing"] = .null }
        return handed.words + (try nodes([file(diskFileName, handed, ["read-only": true]), .object(node)]))
    }

    /// A machine's disk, or a snapshot of one, that is only read.
    static func source(_ diskFile: Handed, over baseFile: Handed) throws -> [String] {
        diskFile.words + baseFile.words
            + (try nodes([
                file(baseFileName, baseFile, ["read-only": true]),
                [
                    "driver": "qcow2", "node-name": .string(base), "file": .string(baseFileName),
                    "backing": .null, "read-only": true,
                ],
                file(diskFileName, diskFile, ["read-only": true]),
                [
                    "driver": "qcow2", "node-name": .string(disk), "file": .string(diskFileName),
                    "backing": .string(base), "read-only": true,
                ],
            ]))
    }

    /// The new disk that another is copied to; what is zero takes no space in it.
    static func target(_ handed: Handed) throws -> [String] {
        handed.words
            + (try nodes([
                file("target-file", handed, ["discard": "unmap", "auto-read-only": false]),
                [
                    "driver": "qcow2", "node-name": .string(target), "file": "target-file", "backing": .null,
                    "discard": "unmap", "detect-zeroes": "unmap", "auto-read-only": false,
                ],
            ]))
    }

    /// A snapshot's file, over the base that the disk has; for `blockdev-add`.
    static func snapshot(named name: String, file: String) -> [String: QMPValue] {
        [
            "driver": "qcow2", "node-name": .string(name), "backing": .string(base),
            "auto-read-only": .bool(false),
            "file": ["driver": "file", "filename": .string(file), "auto-read-only": .bool(false)],
        ]
    }

    /// A seed, which nobody writes; `through`: nodes between its file and it, the last of which has the file's place.
    static func seed(
        _ handed: Handed, through: [QMPValue] = [], over last: String = seedFile
    ) throws -> [String] {
        handed.words
            + (try nodes(
                [file(seedFile, handed, ["read-only": true])] + through + [
                    ["driver": "raw", "node-name": .string(seed), "file": .string(last), "read-only": true]
                ]))
    }

    /// A file that QEMU gets open.
    struct Handed {
        var descriptor: Int
        /// Whose it is, for whoever looks at the process; QEMU does nothing with it.
        var name: String

        /// What opens it within QEMU.
        var path: String { "/dev/fdset/\(descriptor)" }

        /// The vector's words that hand it to what opens `path`. In QEMU's syntax a comma in a value is written twice.
        var words: [String] {
            let name = name.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
            return ["-add-fd", "fd=\(descriptor),set=\(descriptor),opaque=\(name)"]
        }
    }

    private static func file(
        _ name: String, _ handed: Handed, _ options: [String: QMPValue]
    ) -> QMPValue {
        .object(
            options.merging([
                "driver": "file", "node-name": .string(name), "filename": .string(handed.path),
            ]) { $1 })
    }

    private static func nodes(_ nodes: [QMPValue]) throws -> [String] {
        try nodes.flatMap { ["-blockdev", try $0.text] }
    }
}
