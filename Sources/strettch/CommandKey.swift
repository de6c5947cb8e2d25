import ArgumentParser
import CloudClient
import Foundation

/// The Idempotency-Key of a command that makes something.
enum CommandKey {
    /// Throws `ValidationError` for a key that is not a UUID.
    static func validate(_ key: String?) throws {
        if let key, UUID(uuidString: key) == nil {
            throw ValidationError("--idempotency-key: \"\(key)\" is not a UUID.")
        }
    }

    /// Sends a request with the key, or with a new one. When nobody knows whether the server has accepted it, the error says
    /// how to find out.
    /// - Parameters:
    ///   - what: what the request is called: `create`.
    ///   - never: what a repetition never does: `makes a second compute`.
    static func send<Answer>(
        _ key: String?, what: String, never: String, _ request: (UUID) async throws -> Answer
    ) async throws -> Answer {
        let id = key.flatMap { UUID(uuidString: $0) } ?? UUID()
        do {
            return try await request(id)
        } catch var error as ClientError where ProgramExit(error) == .unavailable {
            error.message += " Whether the \(what) was accepted is not known. The same command with "
            error.message += "--idempotency-key \(id.uuidString.lowercased()) finds out, and never \(never)."
            throw error
        }
    }
}
