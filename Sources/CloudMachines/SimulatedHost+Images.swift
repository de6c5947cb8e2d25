import CloudCore
import Synchronization

/// What takes long takes as many looks as copies do (`set(copyLooks:)`).
extension SimulatedHost: ImageHost {
    public nonisolated var teamImages: any ImageHost { self }

    /// Lets images that are made from now on fail, for this reason; `nil`: no more.
    public func set(imageFailure: String?) { self.imageFailure = imageFailure }

    /// The hosts from which it fetches images.
    public nonisolated func set(peers: [SimulatedHost]) { self.peers.withLock { $0 = peers } }

    public func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking {
        await visit(.makeImage, image.id)
        if let imageFailure { return .failed(imageFailure) }
        if case .disk(let id, _) = material { try requireOff(id) }
        var making = ImageMaking.failed("it was not begun")
        try act(.makeImage) {
            making = try store.with { try $0.make(image, of: material, looks: copyLooks) }
        }
        return making
    }

    public func eraseImage(_ image: ImageOnHost) async throws {
        await visit(.eraseImage, image.id)
        try act(.eraseImage) { try store.with { try $0.erase(image) } }
    }

    public func imageIds() -> Set<Int64> { store.with { Set($0.images.keys) } }

    public func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        await visit(.receiveImage, image.id)
        try store.with { try $0.begin(image, size: size, from: offset) }
        var end = offset
        while let chunk = try await bytes.next() {
            end += Int64(chunk.count)
            guard end <= size else { throw SimulatedImage.tooLarge(size) }
            try act(.receiveImage) { store.with { $0.images[image.id]?.received = end } }
        }
        return end
    }

    public func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        let made = store.with { $0.images[image.id]?.made }
        return try SimulatedImage.file(name, of: made, from: offset)
    }

    /// Whether the team's image is here, or could be fetched from a peer just now.
    func has(_ image: ImageOnHost, content: String) -> Bool {
        if store.with({ $0.images[image.id]?.made?.content == content }) { return true }
        for peer in peers.withLock(\.self) {
            guard let copy = peer.store.with({ $0.images[image.id] }), copy.made?.content == content else {
                continue
            }
            store.with { $0.images[image.id] = copy }
            return true
        }
        return false
    }

    public func image(_ image: Image) -> ImageStatus {
        calls[.image, default: 0] += 1
        guard imageStatus == .ready, case .cell(let id, let createdAtMs, let content) = image.source else {
            return imageStatus
        }
        return has(ImageOnHost(id: id, createdAtMs: createdAtMs), content: content)
            ? .ready
            : .unavailable("The image \(image.image) is on no host that could be reached. Try again.")
    }

    /// Notes what the machine's disk lies over.
    func lay(_ id: Int64, over image: Image) {
        guard case .cell(let imageId, _, _) = image.source else { return }
        store.with { state in
            state.disks[id]?.imageId = imageId
            state.disks[id]?.content = state.images[imageId]?.disk?.content ?? 0
        }
    }

    /// Takes an image away, as a broken host would.
    public func loseImage(_ id: Int64) { store.with { $0.images[id] = nil } }

    /// What a disk that is made of the image has on it; `nil`: it is not here.
    public func imageContent(_ id: Int64) -> Int? { store.with { $0.images[id]?.disk?.content } }
}

extension SimulatedDisks {
    /// A team's own image, whole, half-made, or as far as it was uploaded.
    struct TeamImage: Sendable, Equatable {
        var image: ImageOnHost
        /// Bytes of its file that a client has sent.
        var received: Int64 = 0
        /// What it was made of, once that has begun, and how often it was looked at since.
        var disk: Disk?
        var looks = 0
        var made: MadeImage?
    }
}

extension SimulatedDisks.State {
    /// Begins to make an image, or looks at it once more.
    fileprivate mutating func make(
        _ image: ImageOnHost, of material: ImageMaterial, looks: Int
    ) throws -> ImageMaking {
        var present =
            images[image.id].flatMap { $0.image == image ? $0 : nil }
            ?? SimulatedDisks.TeamImage(image: image)
        if let made = present.made { return .made(made) }
        if present.disk == nil {
            guard let disk = try disk(of: material, present) else {
                return .failed("not all of the upload has come. Send the file again")
            }
            present.disk = disk
        }
        present.looks += 1
        defer { images[image.id] = present }
        guard let disk = present.disk, present.looks > looks else { return .working("copying, 0 of 1 MB") }
        let made = SimulatedImage.made(of: disk, material)
        present.made = made
        return .made(made)
    }

    /// `nil`: the upload is not whole.
    private mutating func disk(
        of material: ImageMaterial, _ image: SimulatedDisks.TeamImage
    ) throws -> SimulatedDisks.Disk? {
        switch material {
        case .snapshot(let snapshot):
            guard let present = snapshots[snapshot.id], present.snapshot == snapshot, present.isWhole else {
                throw QEMUHost.noSnapshot
            }
            return present.copy.disk
        case .disk(let machineId, _):
            guard let disk = disks[machineId] else { throw SimulatedHost.noDisk }
            return disk
        case .upload(_, let size):
            guard image.received == size else { return nil }
        case .url: break
        }
        lastContent += 1
        return SimulatedDisks.Disk(storageGb: 1, content: lastContent)
    }

    fileprivate mutating func erase(_ image: ImageOnHost) throws {
        guard let present = images[image.id],
            image.createdAtMs == 0 || present.image.createdAtMs == image.createdAtMs
        else { return }
        let all = Array(disks.values) + Array(formerDisks.values) + snapshots.values.map(\.copy.disk)
        guard !all.contains(where: { $0.imageId == image.id }) else { throw SimulatedImage.isUsed(image.id) }
        images[image.id] = nil
    }

    /// Throws unless a part of the upload that begins at `offset` may come.
    fileprivate mutating func begin(_ image: ImageOnHost, size: Int64, from offset: Int64) throws {
        var present =
            images[image.id].flatMap { $0.image == image ? $0 : nil }
            ?? SimulatedDisks.TeamImage(image: image)
        guard offset <= present.received else { throw SimulatedImage.gap(present.received, offset) }
        present.received = offset
        images[image.id] = present
    }
}

/// What simulated hosts say of images.
enum SimulatedImage {
    static let manifest = "image.json"

    /// Of the same disk always the same.
    static func made(of disk: SimulatedDisks.Disk, _ material: ImageMaterial) -> MadeImage {
        let digits = String(disk.content, radix: 16)
        let content = String(repeating: "0", count: 64 - digits.count) + digits
        if case .upload(_, let size) = material {
            return MadeImage(bytes: size, virtualBytes: max(size, 1 << 20), content: content)
        }
        return MadeImage(
            bytes: Int64(disk.storageGb) << 20, virtualBytes: Int64(disk.storageGb) << 30, content: content)
    }

    static func file(_ name: String, of made: MadeImage?, from offset: Int64) throws -> ByteStream {
        guard name == manifest, let made else {
            throw CloudError(.resourceNotFound, "This host has no file '\(name.shown)' of that image.")
        }
        let bytes = Array("{\"content\":\"\(made.content)\"}".utf8.dropFirst(Int(clamping: offset)))
        let rest = Once(bytes)
        return ByteStream { rest.take() }
    }

    static func gap(_ received: Int64, _ offset: Int64) -> CloudError {
        CloudError(
            .conflict,
            "\(received) bytes of the file are here, and these begin at \(offset). Send those from \(received) on."
        )
    }

    static func tooLarge(_ size: Int64) -> CloudError {
        CloudError(
            .payloadTooLarge,
            "The file is longer than the \(size) bytes that the image was created with. Create another of the right size."
        )
    }

    static func isUsed(_ id: Int64) -> CloudError {
        CloudError(.conflict, "A disk on this host lies over image \(id). Remove the disk first.")
    }
}

/// One chunk, given out once.
private final class Once: Sendable {
    private let chunk: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) { chunk = Mutex(bytes.isEmpty ? nil : bytes) }

    func take() -> [UInt8]? {
        chunk.withLock { chunk in
            defer { chunk = nil }
            return chunk
        }
    }
}
