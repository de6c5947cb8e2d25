import CloudCore
import CloudDatabase
import Synchronization

/// The database as one life of a program sees it: its calls can be refused, late, or done without the caller's knowing.
struct ProgramDatabase: Database {
    let world: World
    let incarnation: Incarnation
    let changes = Changes()

    func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        await world.executor.pause()
        try incarnation.requireAlive()
        let looks = LeaseLooks()
        let result = Result {
            try world.store.read { sql in
                try body(LeaseWatch(database: world.connection(sql, nil, incarnation), looks: looks))
            }
        }
        if looks.wereAny, let lateMs = world.faults.read() {
            world.note { "\(incarnation.name) learns of its lease \(lateMs) ms later" }
            await world.suspend(milliseconds: lateMs)
            incarnation.wasSuspended()
        }
        try incarnation.requireAlive()
        return try result.get()
    }

    func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        await world.executor.pause()
        try incarnation.requireAlive()
        let value = try await write(name, body, world.faults.write(name))
        if name != .lease, incarnation.takeAudit() { await Judge(world: world).auditInMotion() }
        return value
    }

    private func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        _ fault: WriteFault?
    ) async throws -> T {
        if let fault { world.note { "\(incarnation.name) \(name) is \(fault)" } }
        switch fault {
        case nil: return try commit(name, body)
        case .refused: throw Self.refusal
        case .ambiguous:
            _ = try commit(name, body)
            throw Self.refusal
        case .crashBefore:
            world.crash(incarnation)
            throw Self.refusal
        case .crashAfter:
            _ = try commit(name, body)
            world.crash(incarnation)
            throw Self.refusal
        case .late(let milliseconds):
            let value = try commit(name, body)
            await world.suspend(milliseconds: milliseconds)
            try incarnation.requireAlive()
            return value
        case .runTwice:
            _ = try? commit(name, body, isKept: false)  // what the first run throws, the second does too
            return try commit(name, body)
        }
    }

    private func commit<T: Sendable>(
        _ name: DurableWrite, _ body: @Sendable (any SQLConnection) throws -> T, isKept: Bool = true
    ) throws -> T {
        do {
            let value = try world.store.write(name, isKept: isKept) { sql in
                try body(world.connection(sql, name, incarnation))
            }
            if isKept { world.committed(name, by: incarnation) }
            return value
        } catch {
            world.note { "\(incarnation.name) \(name) is undone: \(error)" }
            throw error
        }
    }

    private static let refusal = CloudError(
        .serviceUnavailable, "The database can't be written now. Try again.", detail: "simulated")
}

/// Whether a read has asked who holds a lease: what is done on the host afterwards goes by the answer.
private final class LeaseLooks: Sendable {
    private let count = Mutex(0)

    var wereAny: Bool { count.withLock { $0 > 0 } }

    func add() { count.withLock { $0 += 1 } }
}

private struct LeaseWatch: SQLConnection {
    let database: any SQLConnection
    let looks: LeaseLooks

    var dialect: Dialect { database.dialect }

    func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        if sql.contains("lease_owner = $2") { looks.add() }
        return try database.query(sql, arguments)
    }

    func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
        try database.execute(sql, arguments)
    }

    func tell(_ tiding: Tiding) { database.tell(tiding) }
}
