import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudServer
import CloudWire
import CloudWorker
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore

/// A whole cloud in one process, for tests: real HTTP handlers, a real database, the real worker, a simulated host, a
/// clock that stands still. Every exchange is checked against the OpenAPI document.
public struct TestCloud: Sendable {
    public let cloud: Cloud
    /// Between everything and the engine; what it is told to throw is thrown.
    public let database: FaultyDatabase
    public let host: SimulatedHost
    /// The worker's ownership of the host.
    public let claim: HostClaim
    public let clock: ManualClock
    public let worker: Worker
    /// What is behind `database`, without its faults.
    private let storage: any Database
    public let supervisor: Supervisor
    public let accountant: Accountant
    /// Keys of one team, by role.
    public let keys: [Role: String]
    /// The owner's key of another team.
    public let strangersKey: String
    /// The id of the last event that making teams and keys left. What a test does begins behind it.
    public let lastSetUpEventId: Int64
    let client: any TestClientProtocol
    let contract: OpenAPIDocument

    /// Starts a cloud of one host that gives `capacity` out, runs `body`, and takes the cloud away.
    public static func with(
        on engine: Engine = .standard, settings: CloudSettings = .test, catalogue: Catalogue = .test,
        capacity: Capacity = Capacity(),
        bootSlots: Int = 2,
        hostLinks: @escaping @Sendable (SimulatedHost) -> any HostLinks = { OneHost(desk: $0) },
        _ body: @escaping @Sendable (TestCloud) async throws -> Void
    ) async throws {
        try await engine.withDatabase { engine in
            let clock = ManualClock()
            let wake = Wake()
            let database = FaultyDatabase(engine)
            let host = SimulatedHost(networkMode: settings.sshPorts == nil ? .bridged : .user)
            var linked = Cloud(
                database: database, catalogue: catalogue, settings: settings, clock: clock,
                randomBytes: { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } },
                wake: { wake.signal() })
            linked.hostLinks = hostLinks(host)
            let cloud = linked
            let claim = HostClaim()
            try await RegisterHost(
                facts: HostFacts(identity: "host-1", name: "host-1", capacity: capacity), owner: "worker"
            ).run(in: database, claim, clock: clock)
            let made = try await CreateTeam(name: "team").run(in: cloud)
            var keys = [Role.owner: made.key.secret]
            for role in [Role.admin, .member] {
                keys[role] = try await CreateKey(
                    name: role.rawValue, role: role, by: .operator(teamId: made.team.id)
                ).run(in: cloud).secret
            }
            let strangersKey = try await CreateTeam(name: "strangers").run(in: cloud).key.secret
            let lastSetUpEventId = try await database.read { sql in
                try sql.query("SELECT MAX(id) AS id FROM events")[0].int("id")
            }
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let worker = Worker(
                database: database, host: host, claim: claim, catalogue: catalogue, clock: clock, wake: wake,
                bootSlots: bootSlots, stopGrace: .seconds(60), sshPorts: settings.sshPorts,
                isBilled: settings.billing.isOn, owner: "worker",
                logger: logger, jitter: { 0 })
            let duty = CellDuty(database: database, claim: claim, clock: clock)
            let supervisor = Supervisor(
                database: database, host: host, claim: claim, duty: duty, network: worker.network,
                clock: clock, wake: wake, logger: logger)
            let accountant = Accountant(
                duty: duty, database: database, catalogue: catalogue, settings: settings.billing,
                clock: clock,
                wake: wake, logger: logger)
            let contract = try OpenAPIDocument(parsing: OpenAPI.document)
            let roleKeys = keys
            let application = CloudServer.application(
                cloud: cloud, settings: .init(listen: .tcp(host: "127.0.0.1", port: 0)), logger: logger)
            try await application.test(.router) { client in
                try await body(
                    TestCloud(
                        cloud: cloud, database: database, host: host, claim: claim, clock: clock,
                        worker: worker, storage: engine, supervisor: supervisor, accountant: accountant,
                        keys: roleKeys,
                        strangersKey: strangersKey, lastSetUpEventId: lastSetUpEventId, client: client,
                        contract: contract))
            }
        }
    }

    /// Which key a request carries.
    public enum Key: Sendable {
        case none
        case of(Role)
        case stranger
        case raw(String)
    }

    /// What went wrong with an exchange by the contract.
    public struct ContractViolation: Error, CustomStringConvertible {
        public var problems: [String]
        public var description: String { "against the contract: " + problems.joined(separator: "; ") }
    }

    /// Sends a request to the server and checks the exchange against the contract.
    /// - Parameter path: below `/api/v1`.
    public func send(
        _ method: HTTPRequest.Method, _ path: String, as key: Key = .of(.owner),
        headers: [String: String] = [:],
        body: String? = nil
    ) async throws -> TestAnswer {
        let type = body == nil ? nil : "application/json"
        return try await send(method, path, as: key, headers: headers, type, body.map { Array($0.utf8) })
    }

    /// The same with a body that is a file, or a part of one.
    public func sendBytes(
        _ method: HTTPRequest.Method, _ path: String, as key: Key = .of(.owner), _ bytes: [UInt8]
    ) async throws -> TestAnswer {
        try await send(method, path, as: key, headers: [:], "application/octet-stream", bytes)
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, as key: Key, headers: [String: String],
        _ contentType: String?, _ body: [UInt8]?
    ) async throws -> TestAnswer {
        try await beat()
        var fields = HTTPFields()
        if let authorization = authorization(key) { fields[.authorization] = authorization }
        if let contentType { fields[.contentType] = contentType }
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        let uri = "/api/v1\(path)"
        let response = try await client.execute(
            uri: uri, method: method, headers: fields, body: body.map { ByteBuffer(bytes: $0) })
        let answer = TestAnswer(response)
        let problems = contract.check(
            OpenAPIExchange(
                method: method.rawValue, target: uri, requestHeaders: Self.pairs(fields),
                requestBody: body ?? [], status: answer.status,
                responseHeaders: Self.pairs(response.headers),
                responseBody: Array(response.body.readableBytesView)))
        guard problems.isEmpty else { throw ContractViolation(problems: problems) }
        return answer
    }

    /// Lets the host's worker live on, however far the clock was moved since the last request: behind the back of planted
    /// faults, since it is none of what a test is about.
    public func beat() async throws {
        let now = clock.nowMs
        guard let hostId = try? claim.hostId else { return }  // lost: the host is another's
        let isDown = try await storage.read { sql in try sql.hosts.get(hostId)?.isDown(nowMs: now) ?? false }
        guard isDown else { return }
        _ = try await storage.write(.heartbeat) { sql in
            try sql.execute("UPDATE hosts SET heartbeat_ms = $2 WHERE id = $1", [hostId, now])
        }
    }

    /// Sends a request as it is, without a look at the contract.
    /// - Parameter target: the whole path, base path included.
    public func sendRaw(
        _ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields = [:], body: [UInt8]? = nil
    ) async throws -> TestAnswer {
        TestAnswer(
            try await client.execute(
                uri: target, method: method, headers: fields, body: body.map { ByteBuffer(bytes: $0) }))
    }

    /// The fields of a create by the owner.
    public func createFields(idempotencyKey: String = Self.newKey()) -> HTTPFields {
        var fields: HTTPFields = [.contentType: "application/json"]
        fields[.authorization] = authorization(.of(.owner))
        if let name = HTTPField.Name("Idempotency-Key") { fields[name] = idempotencyKey }
        return fields
    }

    private func authorization(_ key: Key) -> String? {
        switch key {
        case .none: nil
        case .of(let role): keys[role].map { "Bearer \($0)" }
        case .stranger: "Bearer \(strangersKey)"
        case .raw(let header): header
        }
    }

    private static func pairs(_ fields: HTTPFields) -> [(name: String, value: String)] {
        fields.map { ($0.name.rawName, $0.value) }
    }
}

/// The way to the one host of a cloud: every host is that one.
public struct OneHost: HostLinks {
    let desk: any HostDesk

    public init(desk: any HostDesk) { self.desk = desk }

    public func desk(of hostId: Int64) async throws -> any HostDesk { desk }
}

/// What the server answered.
public struct TestAnswer: Sendable {
    public var status: Int
    public var headers: HTTPFields
    public var text: String
    public var json: JSONValue

    init(_ response: TestResponse) {
        status = Int(response.status.code)
        headers = response.headers
        text = String(buffer: response.body)
        json = (try? JSONValue(parsing: Array(text.utf8))) ?? .null  // the contract tells
    }

    public var data: JSONValue? { json["data"] }
    public var code: String? { json["code"]?.string }
    /// Whether it is marked as the answer to an earlier request.
    public var isReplay: Bool { HTTPField.Name("Idempotent-Replayed").map { headers[$0] == "true" } ?? false }
    /// The fields named in `errors`, in order.
    public var fields: [String] { json["errors"]?.array?.compactMap { $0["field"]?.string } ?? [] }
}
