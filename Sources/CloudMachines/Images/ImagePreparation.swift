import CloudCore
import Logging

/// Makes one image ready: takes the lock, looks whether another process was quicker, and downloads or builds.
struct ImagePreparation: Sendable {
    var image: Image
    var folder: ImageFolder
    var limits: ImageLimits
    var clock: any CloudClock
    var logger: Logger
    var board: ProgressBoard
    /// Does the work even though the image is ready.
    var again = false

    func run() async throws {
        try HostFiles.makeFolder(folder.path)
        let lock = try await FileLock.acquire(folder.lock, timeoutSeconds: limits.lockSeconds) {
            board.report(ImageProgress("waiting for another process that prepares it"))
        }
        defer { withExtendedLifetime(lock) {} }
        if !again, try healed() { return }
        try HostFiles.remove(folder.work)
        try HostFiles.makeFolder(folder.work)
        do {
            try await fill("\(folder.work)/output")
            board.report(ImageProgress("checking"))
            try folder.install(
                "\(folder.work)/output", origin: image.source.origin, nowMs: clock.nowMs)
        } catch {
            try HostFiles.remove(folder.work)
            throw error
        }
        try HostFiles.remove(folder.work)
    }

    /// Whether the image is there after all: made by another process, or whole although its times changed.
    private func healed() throws(CloudError) -> Bool {
        switch folder.state() {
        case .missing: return false
        case .installed(let manifest, _): return manifest.isFrom(image.source)
        case .damaged(let path, let manifest, let content):
            logger.warning("an image's file is not as it was installed", metadata: ["path": "\(path)"])
            board.report(ImageProgress("verifying"))
            do {
                try folder.verify(manifest, folder: content)
                return manifest.isFrom(image.source)
            } catch {
                if manifest.isImported {
                    throw CloudError(
                        .serviceUnavailable,
                        "\(error.message) Import it again: strettch image import \(image.image) FILE")
                }
                logger.error("an image is damaged and made anew", metadata: ["error": "\(error)"])
                return false
            }
        }
    }

    private func fill(_ output: String) async throws {
        try HostFiles.makeFolder(output)
        switch image.source {
        case .url: throw CloudError.bug("no downloads")
        case .build(let name):
            guard let recipe = ImageRecipe(rawValue: name) else {
                let known = ImageRecipe.allCases.map(\.rawValue).joined(separator: ", ")
                throw CloudError(
                    .serviceUnavailable,
                    "Image \(image.image) names the recipe \(name), which this program lacks; it has \(known)."
                )
            }
            try limits.checkSpace(folder.path, bytes: recipe.scratchBytes, what: "Building \(image.image)")
            try await ImageBuilder(recipe: recipe, logger: logger)
                .build(work: folder.work, output: output, progress: board.report)
        }
    }
}

extension ImageSource {
    /// Names the source in the manifest, so that a changed catalogue is noticed.
    var origin: String {
        switch self {
        case .url(let url, .sha256(let digest), _): "\(url) sha256:\(digest.lowercased())"
        case .url(let url, .sums(let sums), _): "\(url) sums:\(sums)"
        case .build(let recipe): "recipe:\(recipe)"
        }
    }
}

extension ImageManifest {
    private static let importMark = "import:"

    static func importOrigin(_ path: String) -> String { importMark + path }

    var isImported: Bool { origin.hasPrefix(Self.importMark) }

    /// Whether the content serves for this source: it came from there, or the operator imported it.
    func isFrom(_ source: ImageSource) -> Bool { isImported || origin == source.origin }
}
