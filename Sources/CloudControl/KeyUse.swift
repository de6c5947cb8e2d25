import CloudCore
import CloudDatabase
import Synchronization

/// When keys were last used, collected in memory and written now and then, so that no request waits for it. What is not
/// yet written when the program is killed is forgotten.
public final class KeyUse: Sendable {
    /// Keys that are remembered between two writes, which bounds the memory; the use of others is not noted.
    static let maxKeys = 10_000
    /// Keys that are written in one transaction, which others wait for.
    static let maxTogether = 500

    private let lastUsedMs = Mutex<[Int64: Int64]>([:])

    public init() {}

    func note(_ keyId: Int64, atMs: Int64) {
        lastUsedMs.withLock { used in
            if used.count < Self.maxKeys || used[keyId] != nil { used[keyId] = atMs }
        }
    }

    /// Writes what was noted since the last time. What can't be written is kept for the next.
    public func write(to database: any Database) async throws {
        let noted = lastUsedMs.withLock { $0.sorted { $0.key < $1.key } }
        for start in stride(from: 0, to: noted.count, by: Self.maxTogether) {
            let some = Array(noted[start..<min(start + Self.maxTogether, noted.count)])
            try await database.write(.noteKeyUse) { sql in
                for (keyId, atMs) in some { try sql.keys.used(keyId, atMs: atMs) }
            }
            lastUsedMs.withLock { used in
                for (keyId, atMs) in some where used[keyId] == atMs { used[keyId] = nil }
            }
        }
    }
}
