import CloudControl
import CloudCore
import CloudWire

extension AnyImageWire {
    /// - Parameter costs: what resources have cost so far, by id; without one where nothing is billed.
    init(_ image: ShownImage, costs: [Int64: Int64]) {
        switch image {
        case .ofCatalogue(let image): self = .ofCatalogue(ImageWire(image))
        case .ofTeam(let image): self = .ofTeam(TeamImageWire(image, costMilliRwf: costs[image.id]))
        }
    }
}

extension ImageWire {
    init(_ image: Image) {
        self.init(
            image: image.image, imageName: image.imageName, version: image.version,
            displayName: image.displayName, minStorageGb: image.minStorageGb)
    }
}

extension TeamImageWire {
    /// An image of a team's own as the public API shows it.
    /// - Parameter costMilliRwf: what it has cost so far; `nil` where nothing is billed.
    init(_ image: TeamImage, costMilliRwf: Int64?) {
        let (file, size) = image.origin.file
        self.init(
            id: String(image.id), image: image.slug, name: image.name, state: image.state.rawValue,
            origin: ImageOriginWire(image.origin), format: file?.format.rawValue, size: size.map { Int($0) },
            received: size == nil ? nil : Int(image.received), sha256: file?.sha256,
            bytes: image.made.map { Int($0.bytes) }, minStorageGb: image.made.map(\.minStorageGb),
            deletionProtection: image.deletionProtection,
            createdAt: Timestamp.text(image.createdAtMs), updatedAt: Timestamp.text(image.updatedAtMs),
            task: TaskWire(image.job),
            failure: image.failure.map { FailureWire(code: $0.code.rawValue, message: $0.message) },
            cost: costMilliRwf.map(Money.text))
    }
}

extension MadeImage {
    /// GiB of the smallest disk that has what a guest sees of it.
    var minStorageGb: Int { Int((virtualBytes + (1 << 30) - 1) >> 30) }
}

extension ImageOrigin {
    /// The file that comes from outside, if it does, and for an upload its size.
    fileprivate var file: (ImageFile?, size: Int64?) {
        switch self {
        case .snapshot, .compute: (nil, nil)
        case .upload(let file, let size): (file, size)
        case .url(_, let file): (file, nil)
        }
    }
}

extension ImageOriginWire {
    fileprivate init(_ origin: ImageOrigin) {
        switch origin {
        case .snapshot(let id): self.init(kind: "snapshot", id: String(id))
        case .compute(let id): self.init(kind: "compute", id: String(id))
        case .upload: self.init(kind: "upload")
        case .url(let url, _): self.init(kind: "url", url: url)
        }
    }
}

extension TaskWire {
    /// `nil` when nothing is being done.
    fileprivate init?(_ job: Job<ImageAction>) {
        switch job.action {
        case .keep, .gone: return nil
        case .receive, .make, .delete: self.init(job, action: job.action.rawValue)
        case .cleanUp: self.init(job, action: nil)
        }
    }
}
