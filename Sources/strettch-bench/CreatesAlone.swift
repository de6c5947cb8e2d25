import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudWire
import Foundation

/// Creates in one process, without HTTP, JSON and a worker: the rules of a create and its rows in a SQLite file of their own,
/// synced before each is answered. What no server that keeps as much in one such file can pass.
struct CreatesAlone {
    private let cloud: Cloud
    private let caller: Caller

    /// Room for more than a minute's creates.
    private static let capacity = Capacity(vcpus: 1_000_000, memoryMb: 1 << 30, storageGb: 1 << 24)

    init(path: String) async throws {
        guard let range = IPv4Network("10.0.0.0/8") else { throw Lab.failure("10.0.0.0/8 is no network.") }
        cloud = Cloud(
            database: try SQLiteDatabase(path: path), catalogue: try CatalogueFile.builtIn(),
            settings: CloudSettings(privateRange: range, teamPrefix: 16, publicPool: []),
            randomBytes: { count in (0..<count).map { _ in .random(in: .min ... .max) } }, wake: {})
        let (facts, now) = (
            HostFacts(identity: "bench", name: "bench", capacity: Self.capacity), cloud.clock.nowMs
        )
        try await cloud.database.write(.registerHost) { sql in
            _ = try sql.hosts.take(try sql.hosts.insert(facts), facts, owner: "bench", nowMs: now)
        }
        let made = try await CreateTeam(name: "bench").run(in: cloud)
        caller = Caller(keyId: made.key.key.id, teamId: made.team.id, role: .owner)
    }

    /// Creates as fast as it can for that long, so many at once. Returns how many a second.
    func run(_ clients: Int, for duration: Duration) async throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<clients {
                group.addTask {
                    var count = 0
                    while clock.now - start < duration {
                        try await create()
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / ((clock.now - start) / .seconds(1))
    }

    private func create() async throws {
        let wire = BenchRequest.make("create")
        let asked = ComputeRequest(
            hostName: wire.hostName, image: wire.image ?? "", region: wire.region,
            specification: wire.specification, publicKeys: wire.publicKeys, tags: wire.tags ?? [])
        let request = ChangeRequest(
            endpoint: CreateCompute.endpoint, key: try IdempotencyKey(header: UUID().uuidString),
            members: [
                "hostName": wire.hostName, "image": wire.image ?? "", "publicKeys": wire.publicKeys[0],
            ],
            caller: caller, requestId: "bench")
        _ = try await CreateCompute(asked, request: request, answer: { _, _ in Self.answer }).run(in: cloud)
    }

    /// As long as an answer to a create.
    private static let answer = String(repeating: "x", count: 700)
}
