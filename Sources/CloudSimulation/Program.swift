import CloudControl
import CloudCore
import CloudDatabase
import CloudCore
import CloudServer
import CloudWorker
import HTTPTypes
import Hummingbird
import NIOCore
import NIOEmbedded
import Synchronization

/// One life of the program: the real handlers, worker, supervisor and accountant over a database and a host that fail.
final class Program: Sendable {
    let incarnation: Incarnation
    private let world: World
    private let wake = Wake()
    private let claim = HostClaim()
    /// Whether it listens: not before it has its host.
    private let isOpen = Mutex(false)
    private let cloud: Cloud
    private let respond: @Sendable (Request, CloudRequestContext) async throws -> Response

    /// Milliseconds that a guest has to shut down.
    static let stopGraceMs: Int64 = 10_000

    /// How long a machine without a compute is left alone.
    static let orphanGrace = Duration.seconds(60)

    /// An answer of the API.
    struct Answer: Sendable {
        var status: Int
        var text: String
        /// Whether it is marked as the answer to an earlier request.
        var isReplay: Bool
    }

    init(_ index: Int, life: Int, in world: World) {
        self.world = world
        let wake = wake
        let random = Chance(seed: world.history.seed ^ UInt64(index << 8 | life))
        incarnation = Incarnation(program: index, life: life)
        cloud = Cloud(
            database: ProgramDatabase(world: world, incarnation: incarnation), catalogue: .simulated,
            settings: world.settings, clock: world.clock,
            randomBytes: random.bytes,
            wake: { wake.signal() })
        let application = CloudServer.application(
            cloud: cloud, settings: .init(listen: .tcp(host: "127.0.0.1", port: 0)), logger: world.logger)
        let responder = application.responder
        respond = { try await responder.respond(to: $0, context: $1) }
    }

    /// The name of the host of each program.
    static func hostName(_ index: Int) -> String { "host-\(index)" }

    /// Takes the host over, as `strettch serve` does before it listens. False when it can't: then the program ends.
    private func register() async -> Bool {
        let name = Self.hostName(incarnation.program)
        let facts = HostFacts(
            identity: name, name: name, capacity: Capacity(vcpus: world.history.shape.vcpus),
            underlay: "198.51.100.\(101 + incarnation.program)",
            store: world.history.shape.sharesDisks ? "store" : nil, moveCertificate: name)
        do {
            try await RegisterHost(facts: facts, owner: incarnation.name).run(
                in: cloud.database, claim, clock: cloud.clock)
        } catch {
            return false
        }
        isOpen.withLock { $0 = true }
        return true
    }

    /// Starts the worker and those beside it, as `strettch serve` does.
    func start() {
        let host = ProgramHost(world: world, incarnation: incarnation)
        let jitter = Chance(seed: world.history.seed ^ 0x7177)
        let worker = Worker(
            database: cloud.database, host: host, claim: claim, catalogue: cloud.catalogue,
            clock: cloud.clock, wake: wake,
            bootSlots: 2, stopGrace: .milliseconds(Self.stopGraceMs),
            isBilled: cloud.settings.billing.isOn, owner: incarnation.name,
            logger: world.logger,
            jitter: { Double(jitter.below(1000)) / 1000 })
        let duty = CellDuty(database: cloud.database, claim: claim, clock: cloud.clock)
        let supervisor = Supervisor(
            database: cloud.database, host: host, claim: claim, duty: duty, network: worker.network,
            clock: cloud.clock, wake: wake,
            orphanGrace: Self.orphanGrace, logger: world.logger)
        let heartbeat = Heartbeat(
            database: cloud.database, claim: claim, clock: cloud.clock, logger: world.logger)
        let accountant = Accountant(
            duty: duty, database: cloud.database, catalogue: cloud.catalogue,
            settings: cloud.settings.billing,
            clock: cloud.clock, wake: wake, logger: world.logger)
        let (world, incarnation) = (world, incarnation)
        world.spawn {
            guard await self.register() else { return world.crash(incarnation) }
            let services = Task(executorPreference: world.executor) {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do {
                            try await worker.run()
                        } catch {
                            // The program ends when a service of it does, and is started again.
                            world.crash(incarnation)
                        }
                    }
                    group.addTask { try? await heartbeat.run() }  // throws what ends the worker too
                    group.addTask { try? await supervisor.run() }  // the same
                    group.addTask { try? await accountant.run() }  // throws nothing: it tries again
                }
            }
            incarnation.onCrash { services.cancel() }
            if !incarnation.isAlive { services.cancel() }
            await services.value
        }
    }

    /// Makes a change as the API would. False when that is not known to be done.
    func change(
        _ write: DurableWrite,
        _ body: @escaping @Sendable (any SQLConnection, _ nowMs: Int64) throws -> Void
    ) async -> Bool {
        guard isOpen.withLock(\.self) else { return false }
        let clock = cloud.clock
        do {
            try await cloud.database.write(write) { sql in try body(sql, clock.nowMs) }
            cloud.wake()
            return true
        } catch {
            return false
        }
    }

    /// Answers a request; `nil` when the program crashes before the answer is out.
    func answer(
        _ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields, body: String?
    ) async -> Answer? {
        guard isOpen.withLock(\.self) else { return nil }
        let request = Request(
            head: HTTPRequest(
                method: method, scheme: "http", authority: "localhost", path: "/api/v1\(path)",
                headerFields: fields),
            body: RequestBody(buffer: ByteBuffer(string: body ?? "")))
        let context = CloudRequestContext(
            source: ApplicationRequestContextSource(channel: EmbeddedChannel(), logger: world.logger))
        let response: Response
        do {
            response = try await respond(request, context)
        } catch {
            return nil
        }
        let collected = CollectedBody()
        do {
            try await response.body.write(collected)
        } catch {
            return nil
        }
        guard incarnation.isAlive else { return nil }
        let replayed = HTTPField.Name("Idempotent-Replayed").flatMap { response.headers[$0] }
        return Answer(
            status: response.status.code, text: String(buffer: collected.buffer), isReplay: replayed == "true"
        )
    }
}

/// The bytes of an answer's body.
private final class CollectedBody: ResponseBodyWriter {
    private let bytes = Mutex(ByteBuffer())

    var buffer: ByteBuffer { bytes.withLock { $0 } }

    func write(_ buffer: ByteBuffer) async throws {
        bytes.withLock { _ = $0.writeImmutableBuffer(buffer) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
