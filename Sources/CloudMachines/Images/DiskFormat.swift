import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Looks at disks that came from outside and turns them into the store's format.
enum DiskFormat {
    private static let convertSeconds = 1800

    /// The parts of `qemu-img info --output=json` that matter.
    private struct Info: Decodable {
        var virtualSize: Int64
        var backingFilename: String?
        var fullBackingFilename: String?
        var formatSpecific: Specific?

        struct Specific: Decodable { var data: Details? }
        struct Details: Decodable {
            var dataFile: String?
            enum CodingKeys: String, CodingKey { case dataFile = "data-file" }
        }
        enum CodingKeys: String, CodingKey {
            case virtualSize = "virtual-size"
            case backingFilename = "backing-filename"
            case fullBackingFilename = "full-backing-filename"
            case formatSpecific = "format-specific"
        }
    }

    /// `qcow2` or `raw` (which must have a boot sector), by the file's first bytes. Throws for anything else.
    static func detect(_ path: String) throws(CloudError) -> String {
        guard let head = try FileReader(path)?.next(512) else {
            throw CloudError(.badRequest, "\(path) can't be read or is empty.")
        }
        if head.starts(with: [0x51, 0x46, 0x49, 0xFB]) { return "qcow2" }  // "QFI\xfb"
        if head.count == 512, head[510] == 0x55, head[511] == 0xAA { return "raw" }
        throw CloudError(
            .badRequest,
            """
            \(path) is neither a qcow2 image nor a raw disk with a boot sector. Convert it first: qemu-img convert \
            -O qcow2 \(path) NEW.qcow2
            """)
    }

    /// Makes `to`, a qcow2 that stands alone, out of `from`, which is moved or read.
    static func adopt(_ from: String, format: String, to: String, move: Bool) async throws {
        try await check(from, format: format)
        if format == "qcow2", move { return try HostFiles.move(from, to: to) }
        // The format is named, never guessed: a guest could have written a header into its raw disk.
        try await Command(
            "qemu-img", ["convert", "-q", "-f", format, "-O", "qcow2", from, to], timeoutSeconds: convertSeconds
        ).run()
        if move { try HostFiles.remove(from) }
    }

    /// Throws when the disk is not what it is said to be, or refers to other files of this host.
    private static func check(_ path: String, format: String) async throws {
        let output: Command.Output
        do {
            output = try await Command("qemu-img", ["info", "-f", format, "--output=json", path]).run()
        } catch let error as CloudError {
            if HostFiles.program("qemu-img") == nil {
                throw CloudError(
                    .serviceUnavailable,
                    "This machine lacks qemu-img. Run: apt-get install --no-install-recommends qemu-utils",
                    detail: error.detail)
            }
            throw CloudError(.unprocessableEntity, "\(path) is no \(format) disk.", detail: error.detail)
        }
        let info = try JSONDecoder().decode(Info.self, from: Data(output.standardOutput.utf8))
        if info.backingFilename != nil || info.fullBackingFilename != nil
            || info.formatSpecific?.data?.dataFile != nil
        {
            throw CloudError(
                .unprocessableEntity,
                """
                \(path) refers to another file, so it is not the whole disk. Make it whole first: qemu-img convert -O \
                qcow2 \(path) NEW.qcow2
                """)
        }
        guard info.virtualSize > 0 else { throw CloudError(.unprocessableEntity, "\(path) is an empty disk.") }
    }
}
