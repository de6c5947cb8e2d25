import CloudCore

extension QEMUHost {
    public var teamImages: any ImageHost { NoImages() }
}

/// A host that keeps no images of teams' own.
private struct NoImages: ImageHost {
    func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking {
        .failed("this host keeps no images of teams' own")
    }

    func eraseImage(_ image: ImageOnHost) async throws {}

    func imageIds() async throws -> Set<Int64> { [] }

    func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        throw CloudError(.serviceUnavailable, "This host keeps no images of teams' own.")
    }

    func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        throw CloudError(.resourceNotFound, "This host keeps no images of teams' own.")
    }
}
