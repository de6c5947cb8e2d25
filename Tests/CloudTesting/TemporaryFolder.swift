import FoundationEssentials

/// Runs `body` with a new empty folder, and removes it afterwards.
public func withTemporaryFolder<T>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> T
) async throws -> T {
    let path = "/tmp/strettch-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }  // a leftover in /tmp breaks nothing
    return try await body(path)
}
