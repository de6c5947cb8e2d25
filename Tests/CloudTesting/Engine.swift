import CloudDatabase
import FoundationEssentials
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the database of a test runs on. Tests that name none run on the one that STRETTCH_TEST_ENGINE names: `make test`
/// runs them on SQLite, `make test-postgres` those on PostgreSQL in which SQL matters.
public enum Engine: String, CaseIterable, Sendable {
    case sqlite, postgres

    /// The engine of this run.
    public static let standard: Engine = {
        // Safe: nothing in the tests changes the environment.
        let name = getenv("STRETTCH_TEST_ENGINE").map { String(cString: $0) } ?? ""
        guard !name.isEmpty else { return .sqlite }
        guard let engine = Engine(rawValue: name) else {
            preconditionFailure("STRETTCH_TEST_ENGINE is '\(name)': give sqlite or postgres")
        }
        return engine
    }()

    /// Runs `body` with an empty database of today's schema, and takes it away afterwards.
    public func withDatabase<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: (any Database) async throws -> T
    ) async throws -> T {
        switch self {
        case .sqlite:
            try await withTemporaryFolder { folder in
                try await body(try SQLiteDatabase(path: "\(folder)/strettch.sqlite"))
            }
        case .postgres:
            try await TestPostgres.withUsedDatabase(body)
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// For tests of what SQLite alone has: its file, and what is done to it behind its back.
    public static var sqliteAlone: Self {
        .enabled(if: Engine.standard == .sqlite, "it is about SQLite's file")
    }
}
