import CloudCore
import CloudDatabase

/// `GET /health`: each critical dependency with `ok` or what is wrong with it.
public struct CheckHealth: Sendable {
    public init() {}

    public func run(in cloud: Cloud) async -> [String: String] {
        do {
            _ = try await cloud.database.read { sql in try sql.query("SELECT 1 AS one") }
            return ["database": "ok"]
        } catch {
            return ["database": "can't be read"]
        }
    }
}
