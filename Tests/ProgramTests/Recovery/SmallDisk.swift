import CloudMachines
import CloudTesting
import Foundation

/// A file system in memory at a folder, so small that a test can fill it. Needs root.
struct SmallDisk {
    let path: String

    /// Whether this machine lets us have one: not in every container.
    static func isPossible() async -> Bool {
        do {
            try await withTemporaryFolder { try await with($0, kilobytes: 64) { _ in } }
            return true
        } catch {
            return false
        }
    }

    /// Runs `body` with a file system of `kilobytes` at the folder, which must be empty, and takes it away afterwards,
    /// whoever still uses it.
    static func with(_ path: String, kilobytes: Int, _ body: (SmallDisk) async throws -> Void) async throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await Command("mount", ["-t", "tmpfs", "-o", "size=\(kilobytes)k,mode=700", "tmpfs", path]).run()
        do {
            try await body(SmallDisk(path: path))
        } catch {
            try await Command("umount", ["--lazy", path]).run()
            throw error
        }
        try await Command("umount", ["--lazy", path]).run()
    }

    private var filler: String { "\(path)/filler" }

    /// Takes all that is free. Returns how many bytes that were.
    @discardableResult
    func fill() throws -> Int {
        try Data().write(to: URL(filePath: filler))
        let file = try FileHandle(forWritingTo: URL(filePath: filler))
        defer { try? file.close() }  // nothing is buffered
        let page = Data(repeating: 0, count: 4096)
        var written = 0
        // Bounded by the disk, which is small.
        while (try? file.write(contentsOf: page)) != nil { written += page.count }  // fails when it is full
        return written
    }

    /// Takes a part of it.
    func take(megabytes: Int) async throws {
        try await Command("fallocate", ["-l", "\(megabytes)M", filler]).run()
    }

    /// Gives back what was taken.
    func free() throws { try FileManager.default.removeItem(atPath: filler) }
}
