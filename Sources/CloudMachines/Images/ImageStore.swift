import CloudCore
import Logging
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The images of one host, by default in the data folder's `images/`: the one owner of downloads and builds under way.
///
/// Several processes may use one store; a lock per image keeps them from doing the same work twice.
public actor ImageStore {
    /// The folder that has one folder per image (see `ImageFolder`), by its key.
    public nonisolated let directory: String
    private let limits: ImageLimits
    private let proxies: ProxySettings
    private let clock: any CloudClock
    private let logger: Logger
    /// What reads the files of teams' own images from their hosts; `nil`: none of other hosts can be had.
    private var hostFiles: ImageFetch.Source?
    private var work: [String: Work] = [:]
    private var failures: [String: Failure] = [:]
    /// Folders of content whose bytes this process has read and found to be those that were installed: damage that
    /// keeps size and time is noticed before the first machine boots from it.
    private var whole: Set<String> = []
    /// Bytes of the disks in the images that are here, by key.
    private nonisolated let sizes = Mutex<[String: Int64]>([:])

    private struct Work {
        var board: ProgressBoard
        var task: Task<Void, any Error>
    }

    private struct Failure {
        var message: String
        var atMs: Int64
        var source: ImageSource
    }

    public init(
        directory: String, logger: Logger, limits: ImageLimits = ImageLimits(),
        proxies: ProxySettings = ProxySettings(environment: ProcessInfo.processInfo.environment),
        clock: any CloudClock = SystemClock(), fetch: ImageFetch.Source? = nil
    ) {
        self.directory = directory
        self.logger = logger
        self.limits = limits
        self.proxies = proxies
        self.clock = clock
        hostFiles = fetch
    }

    /// Says how files of teams' own images are read from the hosts that made them.
    public func fetch(by source: @escaping ImageFetch.Source) { hostFiles = source }

    /// Whether the image can be used now. Starts to read it through when this process has not done so yet, and to download
    /// or build it when it is missing or damaged, and returns at once. A failure is repeated for `ImageLimits.failureMemoryMs`
    /// before the next try; what an older recipe made serves in that time.
    public func status(_ image: Image) -> ImageStatus {
        if let under = work[image.key] { return .preparing(under.board.latest.text) }
        if case .installed(let manifest, let content) = folder(image).state(), manifest.isFrom(image.source),
            whole.contains(content)
        {
            return .ready
        }
        if let failure = failures[image.key], failure.source == image.source,
            clock.nowMs - failure.atMs < limits.failureMemoryMs
        {
            if case .installed(let manifest, _) = folder(image).state(), manifest.isOlder(than: image.source)
            {
                return .ready
            }
            return .unavailable(failure.message)
        }
        return .preparing(start(image).board.latest.text)
    }

    /// Bytes of the disk that the image shows to a guest, where it is here; else `nil`. From memory: `learnSizes` reads it
    /// at the start, and each image that becomes ready adds its own.
    public nonisolated func virtualBytes(of key: String) -> Int64? { sizes.withLock { $0[key] } }

    /// Reads the sizes of the images that are here already.
    public func learnSizes(of images: [Image]) { for image in images { learnSize(of: image) } }

    private func learnSize(of image: Image) {
        guard case .installed(let manifest, let content) = folder(image).state(),
            manifest.isFrom(image.source),
            // One that can't be read is not known, and its first use says why.
            let bytes = try? MachineDisk.virtualBytes("\(content)/\(ImageManifest.disk)")
        else { return }
        sizes.withLock { $0[image.key] = Int64(clamping: bytes) }
    }

    /// The paths of an image that is here. Throws `.serviceUnavailable` when it is not; starts nothing.
    public func ready(_ image: Image) throws(CloudError) -> ReadyImage {
        let folder = folder(image)
        switch folder.state() {
        case .installed(let manifest, let content) where manifest.mayServe(image.source):
            return try ReadyImage.installed(disk: "\(content)/\(ImageManifest.disk)")
        case .missing, .installed:
            throw CloudError(
                .serviceUnavailable,
                "Image \(image.image) is not on this host yet. \(ImageRemedy.pull.text(for: image))")
        case .damaged(let path, _, _):
            throw CloudError(
                .serviceUnavailable,
                "Image \(image.image) can't be used: a file is not as it was installed. \(ImageRemedy.verify.text(for: image))",
                detail: path)
        }
    }

    /// Reads what a machine's disk lies over, unless this process has, and throws `.serviceUnavailable` with the remedy
    /// when it is not what was installed. Content whose manifest is gone is taken as it is.
    public func check(_ image: ReadyImage) async throws {
        let content = String(image.disk.prefix(upTo: image.disk.lastIndex(of: "/") ?? image.disk.startIndex))
        guard let manifest = ImageManifest.read(folder: content) else { return }
        if whole.contains(content), manifest.changedFile(folder: content) == nil { return }
        do {
            try await Self.read(manifest, folder: content)
        } catch {
            whole.remove(content)
            throw CloudError(.serviceUnavailable, mend(manifest), detail: "\(error)")
        }
        whole.insert(content)
    }

    /// Fetches a team's own image anew, and returns for the owner what is done.
    private func mend(_ manifest: ImageManifest) -> String {
        guard let image = Image(ofTeam: manifest) else {
            return
                "The image under the compute's disk is damaged. Ask the operator to mend it: strettch admin image pull "
                + manifest.image
        }
        switch status(image) {
        case .ready, .preparing:
            return "The image under the compute's disk is damaged, and is fetched anew. It is tried again."
        case .unavailable(let reason): return "The image under the compute's disk is damaged. \(reason)"
        }
    }

    /// Off the actor, since it takes as long as the disk needs.
    private nonisolated static func read(_ manifest: ImageManifest, folder: String) async throws {
        try manifest.verify(folder: folder)
    }

    /// Makes the image ready and waits for that, joining work under way. Throws why it can't be had.
    /// Cancelling the call ends the work, for all who wait for it.
    /// With `again` it is downloaded or built anew even though it is here; disks over the older content stay whole.
    public func prepare(
        _ image: Image, again: Bool = false, progress: @escaping @Sendable (ImageProgress) -> Void = { _ in }
    ) async throws {
        if !again, work[image.key] == nil, case .installed(let manifest, _) = folder(image).state(),
            manifest.isFrom(image.source)
        {
            return
        }
        let under = work[image.key] ?? start(image, again ? .prepareAgain : .prepare)
        try await wait(for: under, progress)
    }

    /// Takes the operator's own file, a qcow2 or raw disk, instead of what the catalogue names. The file is copied.
    /// Throws `.conflict` when work on the image is under way.
    public func importFile(
        _ path: String, as image: Image, progress: @escaping @Sendable (ImageProgress) -> Void = { _ in }
    ) async throws {
        guard work[image.key] == nil else {
            throw CloudError(
                .conflict, "Image \(image.image) is being prepared. Wait for that and import it again.")
        }
        try await wait(for: start(image, .importFile(path)), progress)
    }

    /// Reads the image's files whole and compares them with what was installed. Throws what differs.
    public func verify(_ image: Image) async throws {
        let folder = folder(image)
        switch folder.state() {
        case .missing: _ = try ready(image)
        case .installed(let manifest, let content), .damaged(_, let manifest, let content):
            let lock = try await FileLock.acquire(folder.lock, timeoutSeconds: limits.lockSeconds) {}
            defer { withExtendedLifetime(lock) {} }
            do {
                try folder.verify(manifest, folder: content)
            } catch {
                let remedy =
                    manifest.isImported
                    ? "strettch admin image import \(image.image) FILE"
                    : "strettch admin image pull \(image.image)"
                throw CloudError(error.code, "\(error.message) Mend it by: \(remedy)", detail: error.detail)
            }
        }
    }

    /// What is known of each image without reading its files.
    public func list(_ images: [Image]) -> [ImageListing] {
        images.map { image in
            switch folder(image).state() {
            case .missing: ImageListing(image: image, state: work[image.key] == nil ? .missing : .preparing)
            case .damaged(let path, let manifest, let content):
                ImageListing(
                    image: image, state: .damaged, manifest: manifest, folder: content,
                    note: "changed: \(path)")
            case .installed(let manifest, let content):
                ImageListing(
                    image: image, state: manifest.isFrom(image.source) ? .ready : .outdated,
                    manifest: manifest,
                    folder: content)
            }
        }
    }

    private func wait(for under: Work, _ progress: @escaping @Sendable (ImageProgress) -> Void) async throws {
        under.board.observe(progress)
        try await withTaskCancellationHandler {
            try await under.task.value
        } onCancel: {
            under.task.cancel()
        }
    }

    /// Ends the work on one image that is under way, and forgets how it came out.
    public func end(_ key: String) async {
        let task = work[key]?.task
        task?.cancel()
        _ = await task?.result
        failures[key] = nil
    }

    /// Ends the work under way and waits until it has ended.
    public func shutdown() async {
        let tasks = work.values.map(\.task)
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
    }

    func folder(_ image: Image) -> ImageFolder { ImageFolder(store: directory, image: image.key) }

    private func start(_ image: Image, _ task: ImagePreparation.Task = .prepare) -> Work {
        let board = ProgressBoard(ImageProgress("starting"))
        let preparation = ImagePreparation(
            image: image, folder: folder(image), limits: limits, proxies: proxies, clock: clock,
            logger: logger, board: board, task: task, hostFiles: hostFiles)
        // Unstructured, since it outlives the call that began it; `work` owns it and `shutdown` ends it.
        let task = Task {
            do {
                try await preparation.run()
                finish(image)
            } catch {
                finish(image, failure: error)
                throw error
            }
        }
        let started = Work(board: board, task: task)
        work[image.key] = started
        return started
    }

    private func finish(_ image: Image, failure error: (any Error)? = nil) {
        work[image.key] = nil
        guard let error else {
            failures[image.key] = nil
            learnSize(of: image)
            if case .installed(_, let content) = folder(image).state() { whole.insert(content) }
            logger.info("image ready", metadata: ["image": "\(image.key)"])
            return
        }
        if error is CancellationError { return }
        let reason = (error as? CloudError)?.message ?? "\(error)"
        failures[image.key] = Failure(
            message: "\(reason) \(ImageRemedy.bring.text(for: image))", atMs: clock.nowMs,
            source: image.source)
        logger.error("image unavailable", metadata: ["image": "\(image.key)", "error": "\(error)"])
    }
}
