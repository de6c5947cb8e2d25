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

    /// The store as a program that starts anew opens it.
    func anotherStore() -> ImageStore {
        ImageStore(
            directory: "\(folder)/images", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: clock)
    }

    /// Changes a byte of a file, and keeps its size, time and mode, as a failing disk does.
    func damage(_ path: String) throws {
        var bytes = HostFiles.read(path) ?? []
        bytes[1000] ^= 1
        try HostFiles.setMode(path, 0o644)
        let stamp = HostFiles.stamp(path).map(\.modifiedNs) ?? 0
        try HostFiles.write(bytes, to: path)
        try HostFiles.setMode(path, 0o444)
        var times = [timespec(), timespec()]
        for index in times.indices {
            times[index].tv_sec = Int(stamp / 1_000_000_000)
            times[index].tv_nsec = Int(stamp % 1_000_000_000)
        }
        // Safe: the path is a C string and the times an array of two for the call's duration.
        guard utimensat(AT_FDCWD, path, times, 0) == 0 else { throw CloudError.bug("no time for \(path)") }
    }

    /// Asks until the image is no longer on its way.
    func settled(_ image: Image) async throws -> ImageStatus {
        var status = ImageStatus.preparing("")
        try await eventually("the image is no longer on its way") {
            status = await store.status(image)
            if case .preparing = status { return false }
            return true
        }
        return status
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
