import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import Synchronization
import Testing

@Suite("The first start of a cell")
struct BootstrapTests {
    @Test("makes one owner's key, once; later starts have the same installation id and no key")
    func once() async throws {
        try await withNewCell { cloud in
            let kept = Kept()
            let first = try await Bootstrap(keep: kept.keep).run(in: cloud)
            let second = try await Bootstrap(keep: kept.keep).run(in: cloud)
            #expect(kept.keys == [first.ownerKey])
            #expect(second.ownerKey == nil)
            #expect(second.installationId == first.installationId)
            #expect(try await role(kept.keys.first, in: cloud) == .owner)
        }
    }

    @Test("whose key can't be kept makes nothing, and the next start is the first again")
    func notKept() async throws {
        struct NoHome: Error {}
        try await withNewCell { cloud in
            await #expect(throws: NoHome.self) {
                try await Bootstrap(keep: { _ in throw NoHome() }).run(in: cloud)
            }
            let kept = Kept()
            _ = try await Bootstrap(keep: kept.keep).run(in: cloud)
            #expect(try await role(kept.keys.first, in: cloud) == .owner)
        }
    }

    @Test("that dies after it kept the key is followed by one that keeps a key that works")
    func diedBetween() async throws {
        struct Dead: Error {}
        try await withNewCell { cloud in
            let kept = Kept()
            await #expect(throws: Dead.self) {
                try await Bootstrap(keep: { key in
                    kept.keep(key)
                    throw Dead()
                }).run(in: cloud)
            }
            _ = try await Bootstrap(keep: kept.keep).run(in: cloud)
            #expect(kept.keys.count == 2)
            #expect(try await role(kept.keys.last, in: cloud) == .owner)
        }
    }

    @Test("of two servers at once makes one team, and one key is kept")
    func overtaken() async throws {
        try await withNewCell { cloud in
            var first = cloud
            first.randomBytes = { [UInt8](repeating: 8, count: $0) }
            let kept = Kept()
            let other = first
            var second = cloud
            second.database = OvertakenDatabase(database: cloud.database) {
                _ = try await Bootstrap(keep: kept.keep).run(in: other)
            }
            let late = try await Bootstrap(keep: kept.keep).run(in: second)
            #expect(late.ownerKey == nil)
            #expect(kept.keys.count == 1)
            #expect(try await role(kept.keys.first, in: cloud) == .owner)
        }
    }

    /// The keys that were kept, in order.
    private final class Kept: Sendable {
        private let list = Mutex<[String]>([])
        var keys: [String] { list.withLock { $0 } }
        func keep(_ key: String) { list.withLock { $0.append(key) } }
    }

    private func role(_ key: String?, in cloud: Cloud) async throws -> Role {
        try await Authenticate(authorization: "Bearer \(key ?? "none")").run(in: cloud).role
    }

    private func withNewCell(_ body: (Cloud) async throws -> Void) async throws {
        try await Engine.standard.withDatabase { database in
            try await body(
                Cloud(
                    database: database, catalogue: .test, settings: .test,
                    randomBytes: { [UInt8](repeating: 7, count: $0) }, wake: {}))
        }
    }
}

/// A database on which another does something just before the first team is made.
private struct OvertakenDatabase: Database {
    let database: any Database
    let meanwhile: @Sendable () async throws -> Void

    var changes: Changes { database.changes }

    func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await database.read(body)
    }

    func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        if name == .createFirstTeam { try await meanwhile() }
        return try await database.write(name, body)
    }
}
