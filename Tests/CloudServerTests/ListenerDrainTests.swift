import CloudCore
import CloudDatabase
import CloudServer
import CloudTesting
import ServiceLifecycle
import Testing

@Suite("The listener's end", .timeLimit(.minutes(2)))
struct ListenerDrainTests {
    private static func get(_ path: String, _ cloud: ListeningCloud) -> String {
        "GET /api/v1\(path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(cloud.key)\r\n\r\n"
    }

    @Test("a request under way is answered, with Connection: close, and nobody new is let in")
    func drain() async throws {
        let gate = Gate()
        try await ListeningCloud.with(wrap: { HeldDatabase(database: $0) { await gate.pass(1) } }) { cloud in
            let idle = Task { try await cloud.connect { try await $0.readToEnd() } }
            try await cloud.connect { connection in
                try await connection.send(Self.get("/computes", cloud))
                try await eventually("the request is under way") { await !gate.arrivals.isEmpty }
                await cloud.beginShutdown()
                _ = try await idle.value
                try await eventually("nobody is let in") {
                    do {
                        _ = try await cloud.curl([])
                        return false
                    } catch {
                        return true  // refused, as it should be
                    }
                }
                await gate.open()
                let answer = try await connection.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
                #expect(answer.lowercased().contains("connection: close"))
            }
        }
    }

    @Test("a request under way on HTTP/2 is answered, and the connection ends")
    func drainHTTP2() async throws {
        let gate = Gate()
        try await withTemporaryFolder { folder in
            let certificate = TestCertificate(folder: folder)
            try await certificate.make(name: "a")
            let identity = try TLSIdentity(files: certificate.files)
            let trust = certificate.files.certificate
            try await ListeningCloud.with(
                identity: identity, wrap: { HeldDatabase(database: $0) { await gate.pass(1) } }
            ) { cloud in
                async let answer = cloud.curl(
                    [
                        "--http2", "--cacert", trust, "--header", "Authorization: Bearer \(cloud.key)",
                        "--write-out", "status %{http_code} version %{http_version}",
                    ], "/api/v1/computes")
                try await eventually("the request is under way") { await !gate.arrivals.isEmpty }
                await cloud.beginShutdown()
                await gate.open()
                let said = try await answer
                #expect(said.hasSuffix("status 200 version 2"), "\(said)")
            }
        }
    }

    @Test("a handler that waits, cancelled by the shutdown, is answered with 503 at once")
    func waiting() async throws {
        var limits = ListenerLimits()
        limits.drain = .seconds(60)
        let arrivals = Gate()
        await arrivals.open()
        let held: @Sendable (any Database) -> any Database = {
            HeldDatabase(database: $0) {
                await arrivals.pass(1)
                try await cancelWhenGracefulShutdown { try await Self.waitForever() }
            }
        }
        try await ListeningCloud.with(limits: limits, wrap: held) { cloud in
            let start = ContinuousClock.now
            try await cloud.connect { connection in
                try await connection.send(Self.get("/computes", cloud))
                try await eventually("the request is under way") { await !arrivals.arrivals.isEmpty }
                await cloud.beginShutdown()
                let answer = try await connection.readToEnd()
                #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(answer)")
            }
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test("a handler that waits and heeds no shutdown is cancelled when the time for it is over")
    func stubborn() async throws {
        var limits = ListenerLimits()
        limits.drain = .milliseconds(200)
        let arrivals = Gate()
        await arrivals.open()
        let log = CapturedLog()
        let held: @Sendable (any Database) -> any Database = {
            HeldDatabase(database: $0) {
                await arrivals.pass(1)
                try await Self.waitForever()
            }
        }
        try await ListeningCloud.with(limits: limits, logger: log.logger, wrap: held) { cloud in
            try await cloud.connect { connection in
                try await connection.send(Self.get("/computes", cloud))
                try await eventually("the request is under way") { await !arrivals.arrivals.isEmpty }
                await cloud.beginShutdown()
                _ = try await connection.readToEnd()
            }
            #expect(log.text.contains("Requests under way are given up."))
        }
    }

    /// Until the task is cancelled.
    private static func waitForever() async throws {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        for await _ in stream {}
        continuation.finish()
        try Task.checkCancellation()
    }
}

/// A database whose reads wait first.
private struct HeldDatabase: Database {
    let database: any Database
    let wait: @Sendable () async throws -> Void

    var changes: Changes { database.changes }

    func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await wait()
        return try await database.read(body)
    }

    func write<T: Sendable>(
        _ name: DurableWrite,
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await database.write(name, body)
    }
}
