import CloudCore
import Logging
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Fetches a team's own image from the host that made it: what it consists of first, then each file, resumed where an
/// earlier try ended and checked before anyone sees it.
public struct ImageFetch: Sendable {
    /// Reads a file of an image (`ImageManifest.fileNames`, or the manifest's own) on the host that made it, from an offset on.
    public typealias Source =
        @Sendable (ImageOnHost, _ file: String, _ offset: Int64) async throws ->
        ByteStream

    var image: ImageOnHost
    /// What the files must be (`MadeImage.content`).
    var content: String
    var folder: ImageFolder
    var limits: ImageLimits
    /// `nil`: this program has no way to other hosts.
    var source: Source?
    var logger: Logger
    var progress: @Sendable (ImageProgress) -> Void

    private static let maxManifestBytes = 1 << 20
    /// A try that brought this much counts as progress: the count of tries begins anew.
    private static let progressBytes: Int64 = 1 << 20

    /// Leaves the verified files in the folder `output`.
    func run(to output: String) async throws {
        guard let source else {
            throw CloudError(
                .serviceUnavailable,
                "Image \(folder.image) is on another host, which this program can't reach. Run it beside its server."
            )
        }
        try await withTimeout(.seconds(limits.downloadSeconds), late: late) {
            try await fetch(source, to: output)
        }
    }

    private func fetch(_ source: Source, to output: String) async throws {
        let manifest = try await retrying { try await self.manifest(source) }
        try HostFiles.makeFolder(folder.fetched)
        let (all, have) = (manifest.bytes, bytesHere)
        try limits.checkSpace(
            folder.path, bytes: UInt64(max(0, all - have)), what: "Image \(folder.image)")
        for file in manifest.files {
            let before = manifest.files.prefix { $0.name != file.name }.reduce(0) { $0 + $1.size }
            try await retrying {
                try await fetch(source, file) {
                    progress(.transfer("fetching from its host", before + $0, of: all))
                }
            }
        }
        for file in manifest.files { try HostFiles.move(part(file), to: "\(output)/\(file.name)") }
        try HostFiles.remove(folder.fetched)
    }

    private func part(_ file: ImageManifest.File) -> String { "\(folder.fetched)/\(file.name)" }

    private var bytesHere: Int64 {
        ImageManifest.fileNames.reduce(0) { $0 + (HostFiles.stamp("\(folder.fetched)/\($1)")?.size ?? 0) }
    }

    /// What the image consists of. The host that sends it is believed no more than the digest allows.
    private func manifest(_ source: Source) async throws -> ImageManifest {
        let stream = try await source(image, ImageManifest.fileName, 0)
        var bytes: [UInt8] = []
        while let chunk = try await stream.next() {
            bytes += chunk
            guard bytes.count <= Self.maxManifestBytes else { throw wrong("its description is too long") }
        }
        guard let manifest = ImageManifest(bytes), manifest.content == content,
            manifest.files.first?.name == ImageManifest.disk,
            manifest.files.map(\.name)
                == ImageManifest.fileNames.filter({ name in
                    manifest.files.contains { $0.name == name }
                }),
            manifest.files.allSatisfy({ $0.size >= 0 && $0.size <= Int64.max / 8 })
        else { throw wrong("its description is another image's") }
        return manifest
    }

    /// One try. Returns when the file is whole.
    private func fetch(
        _ source: Source, _ file: ImageManifest.File, _ told: @Sendable (Int64) -> Void
    ) async throws {
        let part = try PartFile(part(file), .sha256)
        if part.size > file.size { try part.restart() }
        if part.size < file.size {
            let stream = try await source(image, file.name, part.size)
            while part.size < file.size, let chunk = try await stream.next() {
                guard part.size + Int64(chunk.count) <= file.size else {
                    try part.restart()
                    throw wrong("more bytes came of \(file.name) than it has")
                }
                try part.append(ByteBuffer(bytes: chunk))
                try limits.checkSpace(folder.path, bytes: 0, what: "Image \(folder.image)")
                told(part.size)
            }
        }
        guard part.size == file.size else {
            throw CloudError(
                .serviceUnavailable, "Only \(part.size) of \(file.size) bytes of \(file.name) came.")
        }
        guard try part.finish() == file.sha256 else {
            try part.restart()
            throw wrong("the bytes of \(file.name) are not those that were made")
        }
    }

    /// Tries until it works, or `downloadAttempts` tries on end brought nothing.
    private func retrying<Value>(_ body: () async throws -> Value) async throws -> Value {
        var attempt = 1
        var backoffMs = limits.firstBackoffMs
        var had = bytesHere
        while true {
            do { return try await body() } catch let error as CancellationError { throw error } catch {
                if bytesHere - had >= Self.progressBytes { (attempt, backoffMs) = (1, limits.firstBackoffMs) }
                had = bytesHere
                guard attempt < limits.downloadAttempts else { throw error }
                progress(ImageProgress("trying again to fetch it from its host"))
                logger.warning(
                    "An image could not be fetched from its host; trying again.",
                    metadata: ["image": "\(folder.image)", "error": "\(error)"])
                try await Task.sleep(for: .milliseconds(backoffMs))
                attempt += 1
                backoffMs = min(backoffMs * 2, limits.maxBackoffMs)
            }
        }
    }

    private func wrong(_ why: String) -> CloudError {
        CloudError(
            .serviceUnavailable,
            "Image \(folder.image) did not come whole from its host: \(why). It is tried again.")
    }

    private var late: CloudError {
        CloudError(
            .serviceUnavailable,
            """
            Image \(folder.image) did not come from its host within \(limits.downloadSeconds) s. What came is kept, and the \
            next try goes on from there.
            """)
    }
}
