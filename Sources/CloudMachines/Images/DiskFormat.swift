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

/// Looks at disks that came from outside and turns them into the store's format. What they say of themselves is read by
/// us first (`QCOW2Header`): no program opens one that leads to other files of this host.
enum DiskFormat {
    private static let convertSeconds = 1800

    /// `qcow2` or `raw` (which must have a boot sector), by the file's first bytes. Throws for anything else.
    static func detect(_ path: String) throws(CloudError) -> String {
        guard let head = try FileReader(path)?.next(512) else {
            throw CloudError(.badRequest, "\(path) can't be read or is empty.")
        }
        if head.starts(with: QCOW2Header.magic) { return "qcow2" }
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
        if format == "qcow2", move {
            try check(from, named: from, format: format, limits: limits)
            return try HostFiles.move(from, to: to)
        }
        guard !move else {
            try check(from, named: from, format: format, limits: limits)
            try await convert(from, named: from, format: format, to: to, limits: limits)
            return try HostFiles.remove(from)
        }
        // What is checked is what is used, whoever else has the original.
        let copy = "\(to).copy"
        try await Command("cp", ["--sparse=auto", "--", from, copy], timeoutSeconds: convertSeconds).run()
        try check(copy, named: from, format: format, limits: limits)
        try await convert(copy, named: from, format: format, to: to, limits: limits)
        try HostFiles.remove(copy)
    }

    /// What a file expands to is known once it is written, so the kernel ends what writes too much.
    private static func convert(
        _ from: String, named name: String, format: String, to: String, limits: ImageLimits
    ) async throws {
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
                \(name) grows beyond \(room >> 20) MiB when it is converted. An image may have \
                \(limits.maxImageBytes >> 20) MiB, and \(limits.reserveBytes >> 20) MiB of the disk must stay free. Bring \
                a smaller one, or free some space.
                """, detail: error.detail)
        }
    }

    /// Whether the program was ended by SIGXFSZ, or told EFBIG where that signal is ignored.
    private static func isFileTooLarge(_ error: CloudError) -> Bool {
        ["signaled(\(SIGXFSZ))", "File too large"].contains { error.detail?.contains($0) == true }
    }

    /// Throws when the disk, which the operator knows as `name`, is not what it is said to be, refers to other files of this
    /// host, or is too large.
    private static func check(
        _ path: String, named name: String, format: String, limits: ImageLimits
    ) throws(CloudError) {
        let bytes =
            format == "qcow2"
            ? try virtualBytes(path, named: name) : UInt64(clamping: HostFiles.stamp(path)?.size ?? 0)
        guard bytes > 0 else { throw CloudError(.unprocessableEntity, "\(name) is an empty disk.") }
        guard bytes <= UInt64(limits.maxVirtualBytes) else {
            throw CloudError(
                .unprocessableEntity,
                """
                \(name) is a disk of \(bytes >> 20) MiB; an image may have \(limits.maxVirtualBytes >> 20) \
                MiB. Make it smaller first: qemu-img resize --shrink
                """)
        }
    }

    /// The size of a qcow2 that is a whole disk by itself.
    private static func virtualBytes(_ path: String, named name: String) throws(CloudError) -> UInt64 {
        let header: QCOW2Header
        do {
            header = try QCOW2Header(try OpenFile.regular(path).beginning(QCOW2Header.limit))
        } catch {
            throw CloudError(.unprocessableEntity, "\(name) is no qcow2 disk.", detail: "\(path): \(error)")
        }
        if header.backingName != nil || header.hasDataFile {
            throw CloudError(
                .unprocessableEntity,
                """
                \(name) refers to another file, so it is not the whole disk. Make it whole first: qemu-img convert -O \
                qcow2 \(name) NEW.qcow2
                """)
        }
        guard header.virtualBytes > 0 else { return 0 }
        do { try header.checkImage(atMost: .max) } catch {
            throw CloudError(
                .unprocessableEntity,
                "\(name) can't be used: \(error). Convert it first: qemu-img convert -O qcow2 \(name) NEW.qcow2"
            )
        }
        return header.virtualBytes
    }
}
