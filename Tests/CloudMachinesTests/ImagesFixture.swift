import CloudCore
import CloudTesting
import Foundation
import Logging

@testable import CloudMachines

/// A store in a folder of its own, and a disk to put into it.
struct ImagesFixture: Sendable {
    var folder: String
    var store: ImageStore
    /// A qcow2 of some 600 KB that qemu-img made.
    var disk: String
    var clock: ManualClock

    var diskBytes: [UInt8] { HostFiles.read(disk) ?? [] }

    static func with(
        limits change: (inout ImageLimits) -> Void = { _ in },
        _ body: (ImagesFixture) async throws -> Void
    ) async throws {
        var limits = ImageLimits()
        limits.firstBackoffMs = 1
        limits.downloadAttempts = 3
        limits.stallSeconds = 5
        change(&limits)
        let clock = ManualClock()
        try await withTemporaryFolder { folder in
            let raw = "\(folder)/disk.raw"
            var bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11) }
            (bytes[510], bytes[511]) = (0x55, 0xAA)
            bytes += [UInt8](repeating: 0, count: 1_048_576 - bytes.count)
            try HostFiles.write(bytes, to: raw)
            let disk = "\(folder)/disk.qcow2"
            try await Command("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, disk]).run()
            let store = ImageStore(
                directory: "\(folder)/images",
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                limits: limits, clock: clock)
            try await body(ImagesFixture(folder: folder, store: store, disk: disk, clock: clock))
            await store.shutdown()
        }
    }

    /// An image that is served by an `ImagesOrigin`.
    static func image(_ address: String, checksum: ImageChecksum? = nil, format: String = "qcow2") -> Image {
        Image(
            image: "TEST-1", imageName: "Test", version: "1", displayName: "1",
            source: .url(
                "\(address)/disk.img", checksum: checksum ?? .sums(url: "\(address)/SHA256SUMS"),
                format: format))
    }

    static func built(_ recipe: String) -> Image {
        Image(
            image: "TEST-1", imageName: "Test", version: "1", displayName: "1", source: .build(recipe: recipe)
        )
    }

    /// The image's status once it is no longer on its way.
    func settled(_ image: Image) async throws -> ImageStatus {
        try await eventually("the image was no longer on its way") {
            if case .preparing = await store.status(image) { false } else { true }
        }
        return await store.status(image)
    }
}

/// The error that a call throws; fails the test's arrangement with `.bug` when it throws none of ours.
func imageError(_ body: () async throws -> Void) async throws -> CloudError {
    do {
        try await body()
    } catch let error as CloudError {
        return error
    }
    throw CloudError.bug("nothing was thrown")
}
