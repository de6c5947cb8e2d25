import CloudCore
import CloudMachines
import FoundationEssentials
import Logging

/// The tiny guest's image, built once for all tests of this process.
public actor TinyImage {
    public static let shared = TinyImage()
    private var building: Task<ImageStore, any Error>?

    /// A store that has the image.
    public func store() async throws -> ImageStore {
        if let building { return try await building.value }
        let task = Task {
            // What an older recipe left there is not what is tested.
            let version = ImageRecipe.tiny.digest.prefix(8)
            let store = ImageStore(
                directory: "/tmp/strettch-test-images-\(version)", logger: Logger(label: "images"))
            try await store.prepare(try Self.image())
            return store
        }
        building = task
        return try await task.value
    }

    /// The image as the built-in catalogue has it.
    public static func image() throws -> Image {
        guard let image = try CatalogueFile.builtIn().image("TINY-1") else {
            throw CloudError.bug("the built-in catalogue has no TINY-1")
        }
        return image
    }
}
