import CloudCore
import CloudMachines

extension ProgramHost: ImageHost {
    var teamImages: any ImageHost { self }

    private var images: any ImageHost { world.hosts[incarnation.program].teamImages }

    func makeImage(_ image: ImageOnHost, of material: ImageMaterial) async throws -> ImageMaking {
        try await act(.makeImage, image.id) { try await $0.teamImages.makeImage(image, of: material) }
    }

    func eraseImage(_ image: ImageOnHost) async throws {
        try await act(.eraseImage, image.id) { try await $0.teamImages.eraseImage(image) }
    }

    func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        try await act(.receiveImage, image.id) {
            try await $0.teamImages.receive(image, size: size, from: offset, bytes)
        }
    }

    func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        await world.executor.pause()
        try requireOwned()
        return try await images.file(name, of: image, from: offset)
    }

    func imageIds() async throws -> Set<Int64> {
        await world.executor.pause()
        try requireOwned()
        return try await images.imageIds()
    }
}
