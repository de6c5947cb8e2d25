import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
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
    /// Throws when it is larger than the limits allow.
    static func adopt(
        _ from: String, format: String, to: String, move: Bool, limits: ImageLimits
    ) async throws {
        try await check(from, format: format, limits: limits)
        if format == "qcow2", move { return try HostFiles.move(from, to: to) }
        try await convert(from, format: format, to: to, limits: limits)
        if move { try HostFiles.remove(from) }
    }

    /// What a file expands to is known once it is written, so the kernel ends what writes too much.
    private static func convert(_ from: String, format: String, to: String, limits: ImageLimits) async throws
    {
        let room = try limits.room(in: URL(filePath: to).deletingLastPathComponent().path)
        do {
            // The format is named, never guessed: a guest could have written a header into its raw disk.
            try await Command(
                "prlimit",
                ["--fsize=\(room)", "qemu-img", "convert", "-q", "-f", format, "-O", "qcow2", from, to],
                timeoutSeconds: convertSeconds
            ).run()
        } catch let error as CloudError where isFileTooLarge(error) {
            throw CloudError(
                .unprocessableEntity,
                """
                \(from) grows beyond \(room >> 20) MiB when it is converted. An image may have \
                \(limits.maxImageBytes >> 20) MiB, and \(limits.reserveBytes >> 20) MiB of the disk must stay free. Bring \
                a smaller one, or free some space.
                """, detail: error.detail)
        }
    }

    /// Whether the program was ended by SIGXFSZ, or told EFBIG where that signal is ignored.
    private static func isFileTooLarge(_ error: CloudError) -> Bool {
        ["signaled(\(SIGXFSZ))", "File too large"].contains { error.detail?.contains($0) == true }
    }

    /// Throws when the disk is not what it is said to be, or refers to other files of this host.
    private static func check(_ path: String, format: String, limits: ImageLimits) async throws {
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
        guard info.virtualSize > 0 else {
            throw CloudError(.unprocessableEntity, "\(path) is an empty disk.")
        }
        guard info.virtualSize <= limits.maxVirtualBytes else {
            throw CloudError(
                .unprocessableEntity,
                """
                \(path) is a disk of \(info.virtualSize >> 20) MiB; an image may have \(limits.maxVirtualBytes >> 20) \
                MiB. Make it smaller first: qemu-img resize --shrink
                """)
        }
    }
}
