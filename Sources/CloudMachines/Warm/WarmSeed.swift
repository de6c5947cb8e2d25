import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The seed of a guest that is booted ahead: an image whose three files have their places and sizes before anybody knows
/// what they will say. The guest may look at all of it but at what the files say: there it is stopped (`gates`).
///
/// So any image can be booted ahead, whatever it is that reads its seed. What probes for file systems (blkid, libblkid's
/// superblocks) looks at the first two megabytes of a device and at its last half; the files lie between, with more than
/// what a kernel reads ahead before them.
struct WarmSeed: Sendable, Equatable, Codable {
    /// Where what the files say lies in the image, by name.
    var parts: [String: Part]

    struct Part: Sendable, Equatable, Codable {
        /// Bytes from the image's beginning; a multiple of `block`.
        var offset: Int
        var length: Int
    }

    /// Of ISO 9660.
    private static let block = 2048
    private static let sector = 512
    /// By name in bytes. A seed that is longer is none that fits.
    private static let lengths = ["meta-data": 2048, "network-config": 4096, "user-data": 32768]
    private static let before = (name: "0-padding", length: 4 << 20)
    private static let after = (name: "z-padding", length: 1 << 20)

    /// Makes the image at `path`, on whose way `<path>.d` is used.
    static func make(at path: String) async throws -> WarmSeed {
        let folder = "\(path).d"
        try await MachineFiles.makeFolder(folder, as: .makeSeedFolder)
        for (name, length) in lengths {
            try await MachineFiles.write(
                content("\(name) to come\n", length), to: "\(folder)/\(name)", as: .writeSeedFile)
        }
        for padding in [before, after] {
            try await MachineFiles.write(
                Data(count: padding.length), to: "\(folder)/\(padding.name)", as: .writeSeedFile)
        }
        try await Command(
            "genisoimage", ["-quiet", "-output", path, "-volid", "cidata", "-joliet", "-rock", folder]
        ).run(as: .createSeed)
        try await Command("rm", ["-rf", "--", folder]).run(as: .dropSeedFolder)
        return try find(in: path)
    }

    /// Where the files lie, found by what they say.
    private static func find(in path: String) throws(CloudError) -> WarmSeed {
        let size = before.length + after.length + (1 << 20)
        let image = MachineFiles.bytes(path, limit: size) ?? []
        var parts: [String: Part] = [:]
        for offset in stride(from: before.length, to: image.count - block, by: block) {
            for (name, length) in lengths
            where image[offset...].starts(with: Array("\(name) to come\n".utf8)) {
                parts[name] = Part(offset: offset, length: length)
            }
        }
        guard parts.count == lengths.count else {
            throw CloudError.bug(
                "genisoimage made a seed whose files are not where they were looked for: \(path)")
        }
        return WarmSeed(parts: parts)
    }

    /// The sectors, of 512 bytes, whose reading stops the guest: the first of each block.
    var gates: [Int] {
        parts.values.flatMap { part in
            stride(from: part.offset, to: part.offset + part.length, by: Self.block).map { $0 / Self.sector }
        }.sorted()
    }

    /// Whether the seed can be told in the files that there are.
    static func fits(_ seed: MachineSeed) -> Bool {
        seed.files.allSatisfy { name, text in text.utf8.count + 2 <= lengths[name] ?? 0 }
    }

    /// Lets the image at `path` say what the seed says. To be called while the guest stands still.
    func fill(_ path: String, with seed: MachineSeed) async throws {
        try await HostEffect.fillSeed.make {
            for (name, text) in seed.files {
                guard let part = parts[name], text.utf8.count + 2 <= part.length else {
                    throw CloudError.bug("the seed's \(name) does not fit into \(path)")
                }
                try MachineFiles.overwrite(path, at: part.offset, with: Self.content(text, part.length))
            }
        }
    }

    /// The text, and behind it a comment that fills the file: of YAML, and of nothing at all behind the end of a MIME
    /// archive. One line, since guests take the files apart by lines.
    private static func content(_ text: String, _ length: Int) -> [UInt8] {
        let bytes = Array(text.utf8)
        return bytes + [UInt8](repeating: UInt8(ascii: "#"), count: length - bytes.count - 1) + [
            UInt8(ascii: "\n")
        ]
    }
}
