import CloudCore
import Logging

/// Makes one image ready: takes the lock, looks whether another process was quicker, and downloads, builds or imports.
struct ImagePreparation: Sendable {
    var image: Image
    var folder: ImageFolder
    var limits: ImageLimits
    var proxies: ProxySettings
    var clock: any CloudClock
    var logger: Logger
    var board: ProgressBoard
    var task: Task
    /// What reads the files of teams' own images from their hosts.
    var hostFiles: ImageFetch.Source?

    enum Task: Sendable {
        /// Download or build, unless the image is ready.
        case prepare
        /// Download or build even though the image is ready.
        case prepareAgain
        /// Take the operator's file instead of the catalogue's source.
        case importFile(String)
    }

    func run() async throws {
        try folder.make()
        let lock = try await FileLock.acquire(folder.lock, timeoutSeconds: limits.lockSeconds) {
            board.report(ImageProgress("waiting for another process that prepares it"))
        }
        defer { withExtendedLifetime(lock) {} }
        if case .prepare = task, try healed() { return }
        try HostFiles.remove(folder.work)
        try HostFiles.makeFolder(output)
        do {
            try await fill()
            board.report(ImageProgress("checking"))
            try folder.install(output, origin: origin, nowMs: clock.nowMs)
        } catch {
            try HostFiles.remove(folder.work)
            throw error
        }
        try HostFiles.remove(folder.work)
    }

    private var output: String { "\(folder.work)/output" }

    private var origin: String {
        switch task {
        case .prepare, .prepareAgain: image.source.origin
        case .importFile(let path): ImageManifest.importOrigin(path)
        }
    }

    /// Whether the image is there after all: made by another process, or whole although its times changed.
    private func healed() throws(CloudError) -> Bool {
        switch folder.state() {
        case .missing: return false
        case .installed(let manifest, let content):
            guard manifest.isFrom(image.source) else { return false }
            return try isWhole(manifest, content)
        case .damaged(let path, let manifest, let content):
            logger.warning("an image's file is not as it was installed", metadata: ["path": "\(path)"])
            return try isWhole(manifest, content) && manifest.isFrom(image.source)
        }
    }

    /// Reads the content through. False when it is to be made anew; throws when only the operator can.
    private func isWhole(_ manifest: ImageManifest, _ content: String) throws(CloudError) -> Bool {
        board.report(ImageProgress("verifying"))
        do {
            try folder.verify(manifest, folder: content)
            return true
        } catch {
            guard !manifest.isImported else {
                throw CloudError(
                    .serviceUnavailable,
                    "\(error.message) Import it again: strettch admin image import \(image.image) FILE")
            }
            logger.error("an image is damaged and made anew", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func fill() async throws {
        switch task {
        case .importFile(let path): try await adopt(path)
        case .prepare, .prepareAgain:
            switch image.source {
            case .url(let url, let checksum, let format): try await download(url, checksum, format)
            case .build(let recipe): try await build(recipe)
            case .cell(let id, let createdAtMs, let content):
                try await fetch(ImageOnHost(id: id, createdAtMs: createdAtMs), content)
            }
        }
    }

    private func fetch(_ image: ImageOnHost, _ content: String) async throws {
        try await TeamImageMark.claimCopy(folder, for: image)
        try await ImageFetch(
            image: image, content: content, folder: folder, limits: limits, source: hostFiles, logger: logger,
            progress: board.report
        ).run(to: output)
    }

    private func download(_ url: String, _ checksum: ImageChecksum, _ format: String) async throws {
        try await ImageDownload(
            image: image.image, url: url, checksum: checksum, folder: folder, limits: limits,
            route: .proxies(proxies), logger: logger, progress: board.report
        ).complete()
        board.report(ImageProgress("converting"))
        try await DiskFormat.adopt(
            folder.part, format: format, to: "\(output)/\(ImageManifest.disk)", move: true, limits: limits)
    }

    private func build(_ name: String) async throws {
        guard let recipe = ImageRecipe(rawValue: name) else {
            let known = ImageRecipe.allCases.map(\.rawValue).joined(separator: ", ")
            throw CloudError(
                .serviceUnavailable,
                "Image \(image.image) names the recipe \(name), which this program lacks; it has \(known).")
        }
        try limits.checkSpace(folder.path, bytes: recipe.scratchBytes, what: "Building \(image.image)")
        try await ImageBuilder(recipe: recipe, logger: logger)
            .build(work: folder.work, output: output, progress: board.report)
    }

    private func adopt(_ path: String) async throws {
        guard let stamp = HostFiles.stamp(path) else {
            throw CloudError(.badRequest, "There is no file \(path). Give the path of a qcow2 or raw disk.")
        }
        guard stamp.size <= limits.maxImageBytes else {
            throw CloudError(
                .badRequest,
                "\(path) is larger than \(limits.maxImageBytes >> 20) MiB, the most that an image may have.")
        }
        let format = try DiskFormat.detect(path)
        try limits.checkSpace(folder.path, bytes: UInt64(stamp.size), what: "Importing \(image.image)")
        board.report(ImageProgress("copying"))
        try await DiskFormat.adopt(
            path, format: format, to: "\(output)/\(ImageManifest.disk)", move: false, limits: limits)
    }
}

extension ImageSource {
    /// Names the source in the manifest, so that a changed catalogue is noticed.
    var origin: String {
        switch self {
        case .url(let url, .sha256(let digest), _): "\(url) sha256:\(digest.lowercased())"
        case .url(let url, .sums(let sums), _): "\(url) sums:\(sums)"
        // A recipe that changes makes other content: what the older one made is built again.
        case .build(let name):
            "recipe:\(name)" + (ImageRecipe(rawValue: name).map { " \($0.digest.prefix(16))" } ?? "")
        case .cell(let id, let createdAtMs, _):
            ImageManifest.cellOrigin(ImageOnHost(id: id, createdAtMs: createdAtMs))
        }
    }
}

extension ImageManifest {
    private static let importMark = "import:"

    static func importOrigin(_ path: String) -> String { importMark + path }

    var isImported: Bool { origin.hasPrefix(Self.importMark) }

    /// Of a team's own image.
    static func cellOrigin(_ image: ImageOnHost) -> String { "cell:\(image.id) created:\(image.createdAtMs)" }

    /// Whether the content serves for this source: it came from there, or the operator imported it.
    func isFrom(_ source: ImageSource) -> Bool {
        if case .cell(_, _, let content) = source {
            return origin == source.origin && self.content == content
        }
        return isImported || origin == source.origin
    }

    /// Whether a disk may be made over the content. One of the catalogue's that has changed there serves until its newer one is
    /// here; a team's own is never another.
    func mayServe(_ source: ImageSource) -> Bool {
        switch source {
        case .url, .build: true
        case .cell: isFrom(source)
        }
    }

    /// Whether an older form of the source's recipe made the content, which still serves where no other can be made.
    func isOlder(than source: ImageSource) -> Bool {
        guard case .build(let name) = source, !isFrom(source) else { return false }
        return origin == "recipe:\(name)" || origin.hasPrefix("recipe:\(name) ")
    }
}
