import CloudControl
import CloudCore
import CloudDatabase
import CloudWorker
import FoundationEssentials
import HTTPTypes

extension TestCloud {
    /// An Idempotency-Key that is used nowhere else.
    public static func newKey() -> String { UUID().uuidString.lowercased() }

    /// A whole ed25519 key, made for these tests and for nothing else.
    public static let publicKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC04p88JUAZwvTacWbfWN3Xxhodoc7vM/eJC8U/Yesin test@strettch"

    /// The body of a create that is accepted; each member can be replaced by other JSON.
    public static func body(
        hostName: String = "\"my-server-01\"", image: String = "\"TINY-1\"", region: String = "\"KGL-1\"",
        specification: String = "\"S-1C-1G\"", publicKeys: String = "[\"\(publicKey)\"]", more: String = ""
    ) -> String {
        """
        {"hostName": \(hostName), "image": \(image), "region": \(region), "specification": \(specification), \
        "publicKeys": \(publicKeys)\(more)}
        """
    }

    /// Sends a create.
    public func create(
        _ body: String = Self.body(), idempotencyKey: String = Self.newKey(), as key: Key = .of(.owner)
    ) async throws -> TestAnswer {
        try await send(.post, "/computes", as: key, headers: ["Idempotency-Key": idempotencyKey], body: body)
    }

    /// Creates a compute and lets the worker do all that is due. Returns its id.
    public func createAndSettle(_ body: String = Self.body(), as key: Key = .of(.owner)) async throws
        -> String
    {
        let answer = try await create(body, as: key)
        try await worker.runDueJobs()
        return answer.data?["id"]?.string ?? "no id in \(answer.text)"
    }

    /// Asks for an action on a compute, with the body that it needs.
    public func act(
        _ action: ComputeAction, on id: String, as key: Key = .of(.owner), headers: [String: String] = [:]
    ) async throws -> TestAnswer {
        switch action {
        case .create: try await create()
        case .start, .stop, .reboot:
            try await send(.post, "/computes/\(id)/\(action.rawValue)", as: key, headers: headers)
        case .upsize:
            try await send(
                .patch, "/computes/\(id)/upsize", as: key, headers: headers,
                body: "{\"newSpecification\": \"S-2C-4G\"}")
        case .update:
            try await send(
                .patch, "/computes/\(id)", as: key, headers: headers, body: "{\"hostName\": \"renamed\"}")
        case .delete: try await send(.delete, "/computes/\(id)", as: key, headers: headers)
        case .restore:
            try await send(
                .post, "/computes/\(id)/restore", as: key, headers: headers,
                body: "{\"snapshot\": \"\(try await readySnapshot(of: id))\"}")
        case .cleanUp, .putBack, .keep, .gone: throw CloudError.bug("nobody can ask for '\(action.rawValue)'")
        }
    }

    /// The compute's state as the API shows it; `nil` when it is not found.
    public func state(_ id: String, as key: Key = .of(.owner)) async throws -> String? {
        try await send(.get, "/computes/\(id)", as: key).data?["state"]?.string
    }

    /// Lets the worker do all that is due now.
    public func work() async throws { try await worker.runDueJobs() }

    /// Lets the supervisor look once.
    public func supervise() async throws { try await supervisor.look() }

    /// Lets the worker work and the clock go on until nothing is due within the next minute of the clock, or `limit`
    /// rounds are over.
    public func settle(limit: Int = 200) async throws {
        for _ in 0..<limit {
            try await worker.runDueJobs()
            let hostId = try claim.hostId
            let due = try await cloud.database.read { sql in try sql.jobs.nextDueMs(hostId: hostId) }
            guard let due else { return }
            clock.advance(milliseconds: max(1, due - clock.nowMs))
        }
    }
}

extension CloudSettings {
    /// Small enough that a test can use everything up: 3 public addresses.
    public static var test: CloudSettings {
        CloudSettings(
            privateRange: network("10.0.0.0/8"),
            publicPool: [network("203.0.113.0/31"), network("198.51.100.7/32")], peerRateLimit: 0)
    }

    /// A host without root: guests are reached by 2 ports of its loopback.
    public static var userMode: CloudSettings {
        CloudSettings(
            privateRange: network("10.0.0.0/8"), publicPool: [], sshPorts: 22001...22002, peerRateLimit: 0)
    }

    private static func network(_ text: String) -> IPv4Network {
        guard let network = IPv4Network(text) else { preconditionFailure("'\(text)' is no CIDR block") }
        return network
    }
}

extension Catalogue {
    /// A short catalogue for tests.
    public static var test: Catalogue {
        Catalogue(
            regions: [Region(id: 1, region: "KGL-1", name: "Kigali-1", countryCode: "RW")],
            images: [
                Image(
                    image: "UBUNTU-24.04", imageName: "Ubuntu", version: "24.04", displayName: "24.04 LTS",
                    source: .build(recipe: "none")),
                Image(
                    image: "TINY-1", imageName: "Tiny", version: "1", displayName: "Tiny 1",
                    source: .build(recipe: "tiny")),
            ],
            specifications: [
                Specification(
                    id: "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0001", specification: "S-1C", vcpus: 1,
                    memoryMb: 512,
                    storageGb: 10, priceMonthMilliRwf: 3_999_000),
                Specification(
                    id: "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0002", specification: "S-1C-1G", vcpus: 1,
                    memoryMb: 1024,
                    storageGb: 20, priceMonthMilliRwf: 7_998_000),
                Specification(
                    id: "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0004", specification: "S-2C-4G", vcpus: 2,
                    memoryMb: 4096,
                    storageGb: 80, priceMonthMilliRwf: 31_992_000),
            ])
    }
}
