import ArgumentParser
import CloudClient
import CloudMachines
import CloudWire
import Crypto
import Foundation
import Synchronization

/// `strettch image upload`.
struct ImageUploadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Make an image of a disk file of yours.",
        discussion: """
            Computes the file's SHA-256 first, then sends the file. An upload that broke off goes on where it was with the \
            same command. Prints the image once all of the file has come, or with --wait when it is READY.
            """)

    @Argument(help: "Slug of the image: letters, digits and . _ -, 63 at most.")
    var slug: String

    @Argument(help: "The disk file, qcow2 or raw.", completion: .file())
    var file: String

    @OptionGroup var kind: ImageFileOptions
    @OptionGroup var making: ImageMakingOptions

    func run() async throws {
        try await making.options.withClient { client in
            let upload = try ImageUpload(path: file)
            let sha256 = try await showing(upload.size, "reading") {
                try ImageDigest.sha256(of: upload, onProgress: $0)
            }
            let image = try await begin(upload, sha256, client)
            let sent = try await showing(upload.size, "sending") {
                try await client.upload(image, from: upload, onProgress: $0)
            }
            try await making.report(sent, client)
        }
    }

    /// The image that waits for the file: a new one, or one of an earlier try.
    private func begin(
        _ upload: ImageUpload, _ sha256: String, _ client: StrettchClient
    ) async throws -> TeamImageWire {
        let request = CreateImageWire(
            slug: slug, name: making.name, format: kind.format?.rawValue ?? "qcow2", size: Int(upload.size),
            sha256: sha256, deletionProtection: making.protection ? true : nil)
        do {
            return try await making.create(request, client)
        } catch let error as ClientError where error.status == 409 {
            let found = try? await client.image(slug).data  // the first error is the better one
            guard case .ofTeam(let earlier)? = found,
                Self.isSame(earlier, request)
            else { throw error }
            return earlier
        }
    }

    /// Whether an image waits for just this file.
    static func isSame(_ image: TeamImageWire, _ request: CreateImageWire) -> Bool {
        image.state == "UPLOADING" && image.sha256 == request.sha256 && image.size == request.size
            && image.format == request.format
    }

    /// Runs `work`, which reports how many bytes are done, and shows that on standard error.
    private func showing<Result>(
        _ size: Int64, _ verb: String, _ work: (@escaping @Sendable (Int64) -> Void) async throws -> Result
    ) async throws -> Result {
        let lines = Mutex(
            OutputImageProgress(isTerminal: OutputStreams.isTerminal, columns: OutputStreams.columns))
        let start = ContinuousClock.now
        defer { lines.withLock { OutputStreams.progress($0.finish()) } }
        return try await work { done in
            let progress = OutputImage.progress(verb, done, of: size)
            lines.withLock { OutputStreams.progress($0.show(progress, elapsed: .now - start)) }
        }
    }
}

/// The digest by which the server checks an upload.
enum ImageDigest {
    /// Bytes that are read at a time.
    private static let chunkBytes = 1 << 20

    /// 64 hexadecimal digits. Throws `CommandFailure` when the file can't be read, or is not as long as it was.
    static func sha256(of upload: ImageUpload, onProgress: (Int64) -> Void) throws -> String {
        var (hash, done) = (SHA256(), Int64(0))
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: upload.path))
            defer { try? file.close() }  // a file that was only read has nothing to lose
            while let bytes = try file.read(upToCount: chunkBytes), !bytes.isEmpty {
                hash.update(data: bytes)
                done += Int64(bytes.count)
                onProgress(done)
            }
        } catch {
            throw CommandFailure(.failure, "\(upload.path) can't be read. Check its name and its mode.")
        }
        guard done == upload.size else {
            throw CommandFailure(
                .failure, "\(upload.path) changes while it is read. Upload it once it is complete.")
        }
        return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
