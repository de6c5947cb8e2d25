import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The folder of one image in the store.
///
///     images/SLUG/lock           held by whoever changes anything here
///     images/SLUG/current        link to the content in use
///     images/SLUG/CONTENT-ID/    image.json, disk.qcow2 and, where QEMU loads the kernel: kernel, initrd, cmdline
///     images/SLUG/work/          a build or import under way
///     images/SLUG/download.*     a download under way, kept to be resumed
///
/// The folder of a team's own image is named after its key, `@12`, and is readable by our own user alone. It has besides:
///
///     images/@12/owner.json      which image it is of (`TeamImageMark`)
///     images/@12/upload          the file that a client sends
///     images/@12/fetched/        files that come from the host that made the image, kept to be resumed
///
/// Disks of machines lie over `CONTENT-ID/disk.qcow2`, so content is never changed and never removed here: new content
/// gets a folder of its own, and `current` moves on.
struct ImageFolder: Sendable {
    let path: String
    /// The image's key.
    let image: String

    init(store: String, image: String) {
        path = "\(store)/\(image)"
        self.image = image
    }

    var lock: String { "\(path)/lock" }
    var work: String { "\(path)/work" }
    var part: String { "\(path)/download.part" }
    var partState: String { "\(path)/download.json" }
    var upload: String { "\(path)/upload" }
    var fetched: String { "\(path)/fetched" }
    var owner: String { "\(path)/owner.json" }
    private var current: String { "\(path)/current" }
    private var isOfTeam: Bool { Image.teamImage(ofKey: image) != nil }

    /// Makes the folder unless it is there.
    func make() throws(CloudError) {
        try HostFiles.makeFolder(path)
        if isOfTeam { try HostFiles.setMode(path, 0o700) }
    }

    /// Removes what an image of a team's own was made of, and what is left of the work.
    func dropMaterial() throws(CloudError) {
        for path in [work, upload, part, partState] { try HostFiles.remove(path) }
    }

    /// What is installed, judged by sizes and times alone.
    enum State {
        case missing
        case installed(ImageManifest, folder: String)
        /// A file is gone or changed; the text names it.
        case damaged(String, ImageManifest, folder: String)
    }

    func state() -> State {
        guard let manifest = ImageManifest.read(folder: current) else { return .missing }
        let folder = content(manifest)
        if let name = manifest.changedFile(folder: folder) {
            return .damaged("\(folder)/\(name)", manifest, folder: folder)
        }
        return .installed(manifest, folder: folder)
    }

    /// Makes the files of a folder on the same file system read-only and durable and the image's content, atomically.
    /// The lock must be held. The same content once more keeps what is there, unless that is damaged.
    func install(_ staged: String, origin: String, nowMs: Int64) throws(CloudError) {
        let manifest = try ImageManifest.describe(folder: staged, image: image, origin: origin, nowMs: nowMs)
        try manifest.write(folder: staged)
        for name in manifest.files.map(\.name) + [ImageManifest.fileName] {
            try HostFiles.setMode("\(staged)/\(name)", mode(of: name))
            try HostFiles.sync("\(staged)/\(name)")
        }
        try HostFiles.sync(staged)
        try place(staged, manifest)
        try HostFiles.replaceLink(current, target: manifest.contentId)
        try HostFiles.sync(path)
    }

    /// A team's own is our own user's alone. But a guest's QEMU opens the kernel that it is handed once more, as another user; it is
    /// what the catalogue's image had, and nobody else can enter the folder.
    private func mode(of name: String) -> mode_t {
        isOfTeam && ![ImageManifest.kernel, ImageManifest.initrd].contains(name) ? 0o400 : 0o444
    }

    /// Reads every file and compares. The times of files that are whole but were touched are taken over.
    /// Throws with the file's path, and both digests, when one is not what was installed.
    func verify(_ manifest: ImageManifest, folder: String) throws(CloudError) {
        let fresh = try manifest.verify(folder: folder)
        guard fresh != manifest else { return }
        try HostFiles.remove("\(folder)/\(ImageManifest.fileName)")
        try fresh.write(folder: folder)
    }

    private func place(_ staged: String, _ manifest: ImageManifest) throws(CloudError) {
        let content = content(manifest)
        guard HostFiles.exists(content) else { return try HostFiles.move(staged, to: content) }
        if !isWhole(content) {
            // Damaged: the same bytes take its place, file by file, so that disks over it are healed.
            for name in manifest.files.map(\.name) + [ImageManifest.fileName] {
                try HostFiles.move("\(staged)/\(name)", to: "\(content)/\(name)")
            }
            try HostFiles.sync(content)
        }
        try HostFiles.remove(staged)
    }

    /// Whether the content's files are those that its manifest tells of, to the byte.
    private func isWhole(_ content: String) -> Bool {
        guard let manifest = ImageManifest.read(folder: content) else { return false }
        do {
            try manifest.verify(folder: content)
            return true
        } catch {
            return false
        }
    }

    private func content(_ manifest: ImageManifest) -> String { "\(path)/\(manifest.contentId)" }
}
