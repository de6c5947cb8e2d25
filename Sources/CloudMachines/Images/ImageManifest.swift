import CloudCore
import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an installed image consists of: `image.json` in its folder.
struct ImageManifest: Codable, Equatable {
    struct File: Codable, Equatable {
        var name: String
        /// Bytes.
        var size: Int64
        /// Time of the last change, nanoseconds since 1970: with the size, a cheap sign of damage.
        var modifiedNs: Int64
        /// 64 hexadecimal digits.
        var sha256: String
    }

    static let fileName = "image.json"
    static let disk = "disk.qcow2"
    static let kernel = "kernel"
    static let initrd = "initrd"
    static let commandLine = "cmdline"
    /// Every file that an image may have; all but the disk are for kernels that QEMU loads itself.
    static let fileNames = [disk, kernel, initrd, commandLine]

    /// The image's key: the slug of one of the catalogue's.
    var image: String
    /// Where the bytes came from, as `ImageSource.origin` writes it.
    var origin: String
    /// Milliseconds since 1970.
    var installedAtMs: Int64
    var files: [File]

    /// Reads the files of a folder that is complete. Takes as long as reading all of them does.
    static func describe(
        folder: String, image: String, origin: String, nowMs: Int64
    ) throws(CloudError) -> ImageManifest {
        var files: [File] = []
        for name in fileNames {
            guard let stamp = HostFiles.stamp("\(folder)/\(name)") else { continue }
            files.append(
                File(
                    name: name, size: stamp.size, modifiedNs: stamp.modifiedNs,
                    sha256: try FileDigest.sha256(of: "\(folder)/\(name)")))
        }
        guard files.first?.name == disk else { throw .bug("\(folder) has no \(disk)") }
        return ImageManifest(image: image, origin: origin, installedAtMs: nowMs, files: files)
    }

    static func read(folder: String) -> ImageManifest? {
        HostFiles.read("\(folder)/\(fileName)").flatMap { ImageManifest($0) }
    }

    func write(folder: String) throws(CloudError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try HostFiles.write([UInt8](encoder.encode(self)), to: "\(folder)/\(Self.fileName)")
        } catch let error as CloudError {
            throw error
        } catch {
            throw .bug("a manifest could not be encoded: \(error)")
        }
    }

    /// SHA-256 over the names and digests of all files, 64 hexadecimal digits.
    var content: String {
        let text = files.map { "\($0.name) \($0.sha256)\n" }.joined()
        return FileDigest.hex(SHA256.hash(data: Data(text.utf8)))
    }

    /// 16 hexadecimal digits that name this content and no other.
    var contentId: String { String(content.prefix(16)) }

    var bytes: Int64 { files.reduce(0) { $0 + $1.size } }

    /// The first file that is not as it was installed, by size and time alone; `nil` when all are.
    func changedFile(folder: String) -> String? {
        files.first { file in
            HostFiles.stamp("\(folder)/\(file.name)")
                != HostFiles.Stamp(size: file.size, modifiedNs: file.modifiedNs)
        }?.name
    }
}

extension ImageManifest {
    /// `nil` for what is not a manifest. One that can't be read is as good as none: the image is fetched anew.
    init?(_ bytes: [UInt8]) {
        guard
            // nil: it is not one
            let manifest = try? JSONDecoder().decode(ImageManifest.self, from: Data(bytes))
        else {
            return nil
        }
        self = manifest
    }

    /// Reads every file and compares. The same with the sizes and times that the files now have. Throws with the file's
    /// path, and both digests, when one is not what was installed.
    @discardableResult
    func verify(folder: String) throws(CloudError) -> ImageManifest {
        var fresh = self
        for (index, file) in files.enumerated() {
            let path = "\(folder)/\(file.name)"
            guard let stamp = HostFiles.stamp(path) else {
                throw CloudError(.internalServerError, "\(path) is gone.")
            }
            let digest = try FileDigest.sha256(of: path)
            guard digest == file.sha256 else {
                throw CloudError(
                    .internalServerError,
                    "\(path) is damaged: its SHA-256 is \(digest), and \(file.sha256) was installed.")
            }
            fresh.files[index].size = stamp.size
            fresh.files[index].modifiedNs = stamp.modifiedNs
        }
        return fresh
    }
}

/// SHA-256 of files, as 64 lower-case hexadecimal digits.
enum FileDigest {
    private static let chunkBytes = 1 << 20

    static func sha256(of path: String) throws(CloudError) -> String {
        var hash = SHA256()
        try update(&hash, with: path)
        return hex(hash.finalize())
    }

    /// Feeds a whole file into a hash that more may follow.
    static func update(_ hash: inout some HashFunction, with path: String) throws(CloudError) {
        guard let file = FileReader(path) else {
            throw CloudError(.internalServerError, "The host could not open \(path).")
        }
        while let chunk = try file.next(chunkBytes) { hash.update(data: chunk) }
    }

    static func hex(_ digest: some Sequence<UInt8>) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
