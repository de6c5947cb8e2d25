import CloudCore

/// A simulated image is a line in a file, so it is made at once, and a host "fetches" one by writing that line.
///
///     images/ID         when it was created, its bytes, its disk's bytes, and its content
///     images/ID.upload  when it was created, and how many bytes of its file have come
extension SimulatedFolderHost: ImageHost {
    public var teamImages: any ImageHost { self }

    public func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking {
        try await pause()
        if let made = made(image) { return .made(made) }
        var made: MadeImage
        let content = content(image)
        switch material {
        case .snapshot(let snapshot):
            guard let size = size(of: snapshot) else { throw QEMUHost.noSnapshot }
            made = MadeImage(bytes: Int64(size) << 20, virtualBytes: Int64(size) << 30, content: content)
        case .disk(let machineId, _):
            guard try present(machineId) == .absent else { throw QEMUHost.mustBeOff }
            guard let size = try read(.disk, of: machineId).flatMap({ Int64($0) }) else {
                throw noDisk(machineId)
            }
            made = MadeImage(bytes: size << 20, virtualBytes: size << 30, content: content)
        case .upload(_, let size):
            guard received(image) == size else {
                return .failed("not all of the upload has come. Send the file again")
            }
            made = MadeImage(bytes: size, virtualBytes: max(size, 1 << 20), content: content)
        case .url: made = MadeImage(bytes: 1 << 20, virtualBytes: 1 << 30, content: content)
        }
        try keep(made, as: image)
        return .made(made)
    }

    public func eraseImage(_ image: ImageOnHost) async throws {
        try await pause()
        let isOurs = [file(image), upload(image)].contains { path in
            let words = words(path)
            return words.first.map { image.createdAtMs == 0 || $0 == "\(image.createdAtMs)" } ?? false
        }
        guard isOurs else { return }
        try HostFiles.remove(file(image))
        try HostFiles.remove(upload(image))
    }

    public func imageIds() async throws -> Set<Int64> {
        guard MachineFiles.exists(allImages) else { return [] }
        let names = try MachineFiles.names(in: allImages)
        return Set(names.compactMap { $0.split(separator: ".").first.flatMap { Int64($0) } })
    }

    public func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        try await pause()
        let received = received(image)
        guard offset <= received else { throw SimulatedImage.gap(received, offset) }
        try HostFiles.makeFolder(allImages)
        var end = offset
        while let chunk = try await bytes.next() {
            end += Int64(chunk.count)
            guard end <= size else { throw SimulatedImage.tooLarge(size) }
            try write("\(image.createdAtMs) \(end)", to: upload(image))
        }
        return end
    }

    public func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        try SimulatedImage.file(name, of: made(image), from: offset)
    }

    /// Writes the image's line unless it is here.
    func fetch(_ image: ImageOnHost, content: String) throws {
        guard made(image)?.content != content else { return }
        try keep(MadeImage(bytes: 1 << 20, virtualBytes: 1 << 20, content: content), as: image)
    }

    private func keep(_ made: MadeImage, as image: ImageOnHost) throws {
        try HostFiles.makeFolder(allImages)
        try write(
            "\(image.createdAtMs) \(made.bytes) \(made.virtualBytes) \(made.content)", to: file(image))
        try HostFiles.remove(upload(image))
    }

    /// `nil`: it is not whole, or another of the same id.
    private func made(_ image: ImageOnHost) -> MadeImage? {
        let words = words(file(image))
        guard words.count == 4, words[0] == "\(image.createdAtMs)", let bytes = Int64(words[1]),
            let virtualBytes = Int64(words[2])
        else { return nil }
        return MadeImage(bytes: bytes, virtualBytes: virtualBytes, content: String(words[3]))
    }

    private func received(_ image: ImageOnHost) -> Int64 {
        let words = words(upload(image))
        guard words.count == 2, words[0] == "\(image.createdAtMs)" else { return 0 }
        return Int64(words[1]) ?? 0
    }

    private func words(_ path: String) -> [Substring] {
        MachineFiles.text(path, limit: Self.fileLimit)?.split(separator: " ") ?? []
    }

    /// Of each image another.
    private func content(_ image: ImageOnHost) -> String {
        let digits = String(image.id, radix: 16)
        return String(repeating: "0", count: 64 - digits.count) + digits
    }

    private var allImages: String { "\(path)/images" }
    private func file(_ image: ImageOnHost) -> String { "\(allImages)/\(image.id)" }
    private func upload(_ image: ImageOnHost) -> String { "\(allImages)/\(image.id).upload" }
}
