import CloudCore
import CloudDatabase
import CloudMetrics
import CloudTesting
import Logging
import Synchronization

@testable import CloudLink

/// A cell of programs in one process, with a real database and real connections over loopback. All listeners end afterwards.
struct LinkLab: Sendable {
    let database: any Database
    let clock = ManualClock()
    let limits: LinkLimits
    private let listeners = Listeners()

    static func with(
        limits: LinkLimits = LinkLimits(), _ body: (LinkLab) async throws -> Void
    ) async throws {
        try await Engine.standard.withDatabase { database in
            let lab = LinkLab(database: database, limits: limits)
            do { try await body(lab) } catch {
                await lab.end()
                throw error
            }
            await lab.end()
        }
    }

    private init(database: any Database, limits: LinkLimits) {
        self.database = database
        self.limits = limits
    }

    private func end() async {
        for task in listeners.all { task.cancel() }
        for task in listeners.all { _ = await task.result }
    }

    /// A server of the API, named by the database unless it is a stranger.
    func server(isStranger: Bool = false) async throws -> LinkProgram {
        let program = LinkProgram(identity: try LinkIdentity(), host: nil, desk: nil)
        if !isStranger {
            try await RegisterLink(
                fingerprint: program.identity.fingerprint, answersAPI: true, name: "server", address: nil
            ).run(in: database, host: nil, clock: clock)
        }
        return program
    }

    /// A host with a worker that answers others.
    func host(_ name: String, _ desk: FakeDesk = FakeDesk()) async throws -> LinkProgram {
        let program = LinkProgram(identity: try LinkIdentity(), host: try await own(name), desk: desk)
        let listener = LinkListener(
            address: IPv4Endpoint(address: IPv4Address(0x7F00_0001), port: 0), identity: program.identity,
            desk: desk, database: database, clock: clock, limits: limits, metrics: program.metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onRunning: { program.address.set($0) })
        listeners.add(Task { try await listener.run() })
        try await eventually("\(name) listens") { program.address.value != nil }
        try await register(program)
        return program
    }

    /// Lets a worker take the host of that name, or a new one.
    func own(_ name: String) async throws -> OwnedHost {
        let now = clock.nowMs
        return try await database.write(.registerHost) { sql in
            let facts = HostFacts(identity: name, name: name)
            let id = try sql.hosts.get(identity: name)?.id ?? sql.hosts.insert(facts)
            return OwnedHost(id: id, epoch: try sql.hosts.take(id, facts, owner: "worker", nowMs: now))
        }
    }

    /// Lets the database name the program as it is.
    func register(_ program: LinkProgram) async throws {
        try await RegisterLink(
            fingerprint: program.identity.fingerprint, answersAPI: false, name: "worker",
            address: program.address.value
        ).run(in: database, host: program.host, clock: clock)
    }

    /// The ways to all hosts as the program has them.
    func table(_ program: LinkProgram) -> LinkTable {
        let host = program.host?.id
        return LinkTable(
            database: database, clock: clock, own: { host }, desk: program.desk, identity: program.identity,
            limits: limits, metrics: program.metrics)
    }

    /// The desk of a host as the program has it.
    func desk(of host: LinkProgram, for program: LinkProgram) async throws -> any HostDesk {
        try await table(program).desk(of: host.host?.id ?? 0)
    }

    func change(_ body: @escaping @Sendable (any SQLConnection) throws -> Void) async throws {
        try await database.write(.changeHost, body)
    }
}

/// One program of the cell.
struct LinkProgram: Sendable {
    let identity: LinkIdentity
    let host: OwnedHost?
    let desk: FakeDesk?
    let metrics = LinkMetrics()
    let address = Known<IPv4Endpoint>()

    /// The value of a figure whose labels are these.
    func figure(_ name: String, _ labels: String...) -> Double {
        let family = metrics.families.first { $0.name == name }
        return family?.samples.first { $0.labels.map(\.value) == labels }?.value ?? 0
    }
}

/// A value that is known late.
final class Known<Value: Sendable>: Sendable {
    private let stored = Mutex<Value?>(nil)

    var value: Value? { stored.withLock { $0 } }

    func set(_ value: Value) { stored.withLock { $0 = value } }
}

/// The listeners of a lab.
private final class Listeners: Sendable {
    private let tasks = Mutex<[Task<Void, any Error>]>([])

    var all: [Task<Void, any Error>] { tasks.withLock(\.self) }

    func add(_ task: Task<Void, any Error>) { tasks.withLock { $0.append(task) } }
}
