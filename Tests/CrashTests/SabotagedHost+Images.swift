import CloudCore
import CloudMachines

extension SabotagedHost: ImageHost {
    var teamImages: any ImageHost { self }

    func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking {
        try await pass(.makeImage) { try await host.teamImages.makeImage(image, of: material) }
    }

    func eraseImage(_ image: ImageOnHost) async throws {
        try await pass(.eraseImage) { try await host.teamImages.eraseImage(image) }
    }

    func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        try await pass(.receiveImage) {
            try await host.teamImages.receive(image, size: size, from: offset, bytes)
        }
    }

    func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        try await host.teamImages.file(name, of: image, from: offset)
    }

    func imageIds() async throws -> Set<Int64> { try await host.teamImages.imageIds() }
}
