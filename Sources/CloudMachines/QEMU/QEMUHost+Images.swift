import CloudCore

/// Images of teams' own. They lie in the store of images, and so are used as the catalogue's are.
extension QEMUHost: ImageHost {
    public var teamImages: any ImageHost { self }

    /// Where images are.
    var imageFolder: String {
        settings.disks.map(SharedDisks.images) ?? "\(settings.dataDirectory)/images"
    }

    func folder(ofImage id: Int64) -> ImageFolder {
        ImageFolder(store: imageFolder, image: Image.key(ofTeamImage: id))
    }

    /// Where what makes an image is asked: a short path, since it is a socket's.
    func monitor(ofImage id: Int64) -> String { "\(settings.dataDirectory)/image-\(id).sock" }

    public func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking {
        let folder = try await claim(image)
        switch imageWork.look(at: image) {
        case .failed(let why): return .failed(why)
        case .working: break
        case .made, nil:
            await imageWork.end(image.id)
            if let made = try made(image, folder) {
                try folder.dropMaterial()
                return .made(made)
            }
            let making = TeamImageMaking(host: self, image: image, folder: folder, material: material)
            imageWork.begin(image, logger: settings.logger) { try await making.run($0) }
        }
        return try await imageWork.wait(for: image, within: settings.copyAttention)
    }

    /// What is installed; `nil` when there is nothing.
    func made(_ image: ImageOnHost, _ folder: ImageFolder) throws(CloudError) -> MadeImage? {
        guard case .installed(let manifest, let content) = folder.state(),
            manifest.origin == ImageManifest.cellOrigin(image)
        else { return nil }
        let bytes = try MachineDisk.virtualBytes("\(content)/\(ImageManifest.disk)")
        return MadeImage(
            bytes: manifest.bytes, virtualBytes: Int64(clamping: bytes), content: manifest.content)
    }

    /// Makes the image's folder, and says whose it is. What another image has left that had the same id, before somebody put an
    /// old database back by hand, goes under a name that is of no image, unless disks lie over it.
    func claim(_ image: ImageOnHost) async throws -> ImageFolder {
        let folder = folder(ofImage: image.id)
        let mark = TeamImageMark(createdAtMs: image.createdAtMs, isHome: true)
        let known = try TeamImageMark.read(folder)
        if known == mark { return folder }
        if let known, known.createdAtMs != image.createdAtMs {
            await endWork(image.id)
            if let disk = try diskOver(image.id) { throw Self.inUse(disk) }
            try MachineFiles.move(folder.path, to: "\(folder.path).left-by-\(known.createdAtMs)")
        }
        try folder.make()
        try await mark.write(folder, as: .markImage)
        return folder
    }

    public func eraseImage(_ image: ImageOnHost) async throws {
        let folder = folder(ofImage: image.id)
        guard MachineFiles.exists(folder.path) else { return }
        let mark = try? TeamImageMark.read(folder)  // one that can't be read goes too
        if let mark, image.createdAtMs != 0, mark.createdAtMs != image.createdAtMs { return }
        if let disk = try diskOver(image.id) { throw Self.inUse(disk) }
        await endWork(image.id)
        try HostFiles.remove(monitor(ofImage: image.id))
        try await remove(folder.path, as: .eraseImage)
    }

    /// Ends whoever makes, fetches or sends the image.
    private func endWork(_ id: Int64) async {
        uploads.endAll(id)
        await imageWork.end(id)
        await imageStore.end(Image.key(ofTeamImage: id))
    }

    public func imageIds() async throws -> Set<Int64> {
        guard MachineFiles.exists(imageFolder) else { return [] }
        return Set(try MachineFiles.names(in: imageFolder).compactMap { Image.teamImage(ofKey: $0) })
    }

    private static func inUse(_ disk: String) -> CloudError {
        CloudError(
            .conflict,
            "A compute's disk or a snapshot lies over the image. Delete the computes and snapshots that are made of it first.",
            detail: disk)
    }

    /// A disk, a disk that a restore keeps, or a snapshot that lies over an image, by its record; `nil`: there is none.
    private func diskOver(_ id: Int64) throws -> String? {
        let root = settings.disks ?? settings.dataDirectory
        let folders = [
            MachineDirectory.all(root), SnapshotDirectory.all(root),
            MachineDirectory.allWarm(settings.dataDirectory),
        ]
        for folder in folders where MachineFiles.exists(folder) {
            for name in try MachineFiles.names(in: folder) {
                let disk = MachineDirectory(diskFolder: "\(folder)/\(name)").disk
                let records = [try DiskRecord.read("\(disk).json")] + (try DiskExchange(disk: disk).known)
                if records.contains(where: { $0?.lies(over: Image.key(ofTeamImage: id)) ?? false }) {
                    return disk
                }
            }
        }
        return nil
    }
}

extension DiskRecord {
    /// Whether the disk lies over any content of the image with that key: `…/KEY/CONTENT-ID/disk.qcow2`.
    func lies(over key: String) -> Bool {
        let names = base.split(separator: "/")
        return names.count >= 3 && names[names.count - 3] == Substring(key)
    }
}
