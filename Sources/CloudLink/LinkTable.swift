import CloudCore
import CloudDatabase

/// The ways to the hosts of a cell: to this program's own by a call, to all others by a connection to where the database says.
public struct LinkTable: HostLinks {
    private let database: any Database
    private let clock: any CloudClock
    private let own: @Sendable () -> Int64?
    private let desk: (any HostDesk)?
    private let dialer: LinkDialer?

    /// - Parameters:
    ///   - own: the host that this program's worker owns now.
    ///   - desk: that host's.
    ///   - identity: what this program shows to others; `nil`: there are no others.
    public init(
        database: any Database, clock: any CloudClock, own: @escaping @Sendable () -> Int64?,
        desk: (any HostDesk)?, identity: LinkIdentity?, limits: LinkLimits = LinkLimits(),
        metrics: LinkMetrics = LinkMetrics()
    ) {
        self.database = database
        self.clock = clock
        self.own = own
        self.desk = desk
        dialer = identity.map { LinkDialer($0, limits, metrics) }
    }

    public func desk(of hostId: Int64) async throws -> any HostDesk {
        if hostId == own(), let desk { return desk }
        return try await linked(hostId)
    }

    /// Returns when the host has answered by the link. Throws as `desk(of:)` does, and when it does not answer.
    public func hello(_ hostId: Int64) async throws { try await linked(hostId).hello() }

    private func linked(_ hostId: Int64) async throws -> LinkedDesk {
        guard let dialer else {
            throw CloudError(
                .serviceUnavailable,
                "What is asked for is on another host, and this server has a database of its own, so it has no way there."
            )
        }
        let (database, clock) = (database, clock)
        let find = { @Sendable in
            let now = clock.nowMs
            return try await database.glance { sql in try LinkWay.find(hostId, sql, nowMs: now) }
        }
        // What is known to be unreachable is said at once.
        _ = try await find()
        return LinkedDesk(dialer: dialer, find: find)
    }
}

/// The desk of another program's host.
struct LinkedDesk: HostDesk {
    let dialer: LinkDialer
    /// How it is reached at that moment.
    let find: @Sendable () async throws -> LinkWay

    func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        try await ask("receive") { ask in
            let text = try await ask.send("\(Self.path(image))/content/\(offset)/\(size)", bytes)
            return try Self.number(text, ask)
        }
    }

    func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        try await ask("file") { ask in
            try await ask.stream("\(Self.path(image))/files/\(name)/\(offset)")
        }
    }

    func hello() async throws {
        _ = try await ask("hello") { ask in try await ask.get("/hello") }
    }

    private static func path(_ image: ImageOnHost) -> String { "/images/\(image.id)/\(image.createdAtMs)" }

    private static func number(_ text: String, _ ask: LinkAsk) throws -> Int64 {
        guard let number = Int64(text) else {
            throw CloudError.bug("\(ask.way.name) answers '\(text.shown)'")
        }
        return number
    }

    /// Connects, asks, and counts what came of it.
    private func ask<T: Sendable>(_ name: String, _ body: (LinkAsk) async throws -> T) async throws -> T {
        do {
            let (connection, way) = try await dialer.connect(find)
            let result = try await body(LinkAsk(connection: connection, way: way, limits: dialer.limits))
            dialer.metrics.ask(name, "ok")
            return result
        } catch {
            dialer.metrics.ask(name, (error as? CloudError)?.code.rawValue ?? "error")
            throw error
        }
    }
}
