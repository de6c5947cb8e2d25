import CloudWire
import Foundation
import Testing

@testable import CloudServer
@testable import CloudTesting

@Suite("The API document")
struct OpenAPIDocumentTests {
    let document: OpenAPIDocument
    let root: JSONValue

    init() throws {
        document = try OpenAPIDocument(parsing: PackageResources.openapi_json)
        root = document.root
    }

    @Test("its paths lie below /api/v1")
    func basePath() { #expect(document.basePath == "/api/v1") }

    @Test("every example in it is valid")
    func examples() {
        var count = 0
        visit(root, at: "") { place, value in
            guard let schema = value["schema"] else { return }
            let examples =
                [value["example"]].compactMap(\.self)
                + (value["examples"]?.object ?? [:]).values.compactMap { $0["value"] }
            for example in examples {
                count += 1
                #expect(document.checker.problems(example, schema: schema, at: place) == [])
            }
        }
        #expect(count >= 18)
    }

    @Test("every answer has a request id, and every refusal an example")
    func answers() {
        visit(root, at: "") { place, value in
            guard let content = value["content"], place.contains("responses") else { return }
            #expect(value["headers"]?["X-Request-Id"] != nil, "\(place)")
            guard place.hasPrefix(".components.responses") else { return }
            let json = content["application/json"]
            #expect(json?["example"] ?? json?["examples"] != nil, "\(place)")
        }
    }

    @Test("every operation may answer 429, and every answer tells of the rate limit")
    func rateLimit() {
        visit(root["paths"] ?? .null, at: "") { place, value in
            guard let responses = value["responses"]?.object else { return }
            #expect(responses["429"] != nil, "\(place)")
        }
        visit(root, at: "") { place, value in
            guard let headers = value["headers"]?.object, headers["X-Request-Id"] != nil else { return }
            for name in ["limit", "remaining", "reset"] {
                #expect(headers["x-ratelimit-\(name)"] != nil, "\(place)")
            }
        }
    }

    @Test("every object in an answer forbids members that are not declared")
    func closedAnswers() {
        let open: Set = [
            "CreateCompute", "CreateKey", "UpdateCompute", "UpsizeCompute", "RestoreCompute",
            "CreateSnapshot",
            "UpdateSnapshot", "CreateImage", "UpdateImage", "Health.checks",
        ]
        visit(root["components"]?["schemas"] ?? .null, at: "") { place, value in
            let name = String(place.dropFirst().replacing(".properties", with: ""))
            guard value["type"] == .string("object"), !open.contains(name) else { return }
            #expect(value["additionalProperties"] == .bool(false), "\(name)")
        }
    }

    @Test("all but the service's own operations need a key")
    func security() {
        for operation in document.operations {
            let declared = root["paths"]?[operation.path]?[operation.method.lowercased()]?["security"]
            let isOpen = ["/health", "/openapi.json"].contains(operation.path)
            #expect(declared == (isOpen ? .array([]) : nil), "\(operation)")
        }
    }

    @Test("the wire types are what it declares", arguments: [true, false])
    func wireTypes(full: Bool) throws {
        let time = "2024-01-15T10:00:00Z"
        let compute = ComputeWire(
            id: "325", hostName: "web-1", state: "CREATING", image: "UBUNTU-24.04", specification: "S-1C",
            region: "KGL-1", ipv4: full ? "195.15.0.73" : nil, privateIpv4: full ? "10.0.0.5" : nil,
            sshEndpoint: full ? "127.0.0.1:2201" : nil, tags: full ? ["web"] : [], deletionProtection: full,
            createdAt: time,
            updatedAt: time,
            task: full
                ? TaskWire(action: "start", step: "boot", since: time, attempts: 1, note: "a note") : nil,
            failure: full ? FailureWire(code: "HOST_FAILED", message: "why") : nil,
            cost: full ? "21.914" : nil)
        try check(compute, "ComputeEnvelope", warnings: full ? ["publicKeys[0] is cut short"] : nil)
        try check([compute], "ComputeListEnvelope", meta: MetaWire(total: 1, page: 1, limit: 20))
        let specification = SpecificationWire(
            id: "f47ac10b-58cc-4372-a567-0e02b2c3d479", specification: "S-1C", vcpus: 1, memoryMb: 512,
            storageGb: 10)
        try check([specification], "SpecificationListEnvelope", meta: MetaWire(total: 1, page: 1, limit: 20))
        let event = EventWire(
            id: "7", kind: "compute.created", at: time,
            actor: ActorWire(type: "key", keyId: full ? "1" : nil, keyName: full ? "deploy" : nil),
            computeId: full ? "325" : nil,
            requestId: full ? "f47ac10b-58cc-4372-a567-0e02b2c3d479" : nil, detail: full ? "why" : nil)
        try check(
            [event], "EventListEnvelope",
            meta: MetaWire(
                total: full ? 1 : nil, page: full ? 1 : nil, limit: 20, nextCursor: full ? "MWM1" : nil))
        let image = ImageWire(
            image: "UBUNTU-24.04", imageName: "Ubuntu", version: "24.04", displayName: "24.04 LTS")
        try check([image], "ImageListEnvelope")
        try check(
            [RegionWire(id: 1, region: "KGL-1", name: "Kigali-1", countryCode: "RW")], "RegionListEnvelope")
        try check(
            HealthWire(service: "public-api", status: "ok", version: "0.1.0", checks: ["database": "ok"]),
            "HealthEnvelope")
        let error = ErrorWire(
            code: "VALIDATION_ERROR", message: "why",
            errors: full ? [ProblemWire(field: "hostName", message: "why")] : nil,
            requestId: "f47ac10b-58cc-4372-a567-0e02b2c3d479", timestamp: time)
        #expect(try problems(error, "Error") == [])
        let create = CreateComputeWire(
            hostName: "web-1", image: "UBUNTU-24.04", region: "KGL-1", specification: "S-1C",
            publicKeys: ["ssh-ed25519 AAAA"], tags: full ? ["web"] : nil, withPublicIp: full ? true : nil)
        #expect(try problems(create, "CreateCompute") == [])
    }

    @Test("the wire types of snapshots are what it declares", arguments: [true, false])
    func snapshotWireTypes(full: Bool) throws {
        let time = "2024-01-15T10:00:00Z"
        let snapshot = SnapshotWire(
            id: "412", name: "before-upgrade", computeId: "325", state: full ? "READY" : "TAKING",
            image: "UBUNTU-24.04", storageGb: 10, sizeBytes: full ? 645_922_817 : nil,
            consistency: full ? "FILE_SYSTEM" : nil, deletionProtection: full, createdAt: time,
            updatedAt: time,
            task: full
                ? TaskWire(action: "take", step: "copy", since: time, attempts: 1, note: "a note") : nil,
            failure: full ? FailureWire(code: "HOST_FAILED", message: "why") : nil,
            cost: full ? "0.120" : nil)
        try check(snapshot, "SnapshotEnvelope")
        try check([snapshot], "SnapshotListEnvelope", meta: MetaWire(total: 1, page: 1, limit: 20))
        let create = CreateSnapshotWire(name: "s", deletionProtection: full ? true : nil)
        #expect(try problems(create, "CreateSnapshot") == [])
        let update = UpdateSnapshotWire(name: full ? "s" : nil, deletionProtection: full)
        #expect(try problems(update, "UpdateSnapshot") == [])
        #expect(try problems(RestoreComputeWire(snapshot: "412"), "RestoreCompute") == [])
        let compute = CreateComputeWire(
            hostName: "web-1", snapshot: "412", region: "KGL-1", specification: "S-1C",
            publicKeys: ["ssh-ed25519 AAAA"])
        #expect(try problems(compute, "CreateCompute") == [])
    }

    @Test("the wire types of images are what it declares", arguments: [true, false])
    func imageWireTypes(full: Bool) throws {
        let time = "2024-01-15T10:00:00Z"
        let sha256 = String(repeating: "a", count: 64)
        let image = TeamImageWire(
            id: "431", image: "GOLDEN-1", name: "Golden", state: full ? "READY" : "UPLOADING",
            origin: full ? ImageOriginWire(kind: "snapshot", id: "412") : ImageOriginWire(kind: "upload"),
            format: full ? "qcow2" : nil, size: full ? 6 : nil, received: full ? 0 : nil,
            sha256: full ? sha256 : nil, bytes: full ? 6 : nil, minStorageGb: full ? 1 : nil,
            deletionProtection: full, createdAt: time, updatedAt: time,
            task: full
                ? TaskWire(action: "make", step: "make", since: time, attempts: 1, note: "a note") : nil,
            failure: full ? FailureWire(code: "HOST_FAILED", message: "why") : nil,
            cost: full ? "0.120" : nil)
        try check(image, "TeamImageEnvelope")
        try check(AnyImageWire.ofTeam(image), "ImageEnvelope")
        let tiny = ImageWire(
            image: "TINY-1", imageName: "Tiny", version: "1", displayName: "1", minStorageGb: full ? 1 : nil)
        try check([AnyImageWire.ofCatalogue(tiny), .ofTeam(image)], "ImageListEnvelope")
        let origins = [
            CreateImageWire(slug: "a", name: full ? "A" : nil, snapshot: "412"),
            CreateImageWire(slug: "a", compute: "325", deletionProtection: full),
            CreateImageWire(slug: "a", url: "https://a.example/b", format: full ? "raw" : nil),
            CreateImageWire(slug: "a", format: full ? "raw" : nil, size: 6, sha256: sha256),
        ]
        for create in origins { #expect(try problems(create, "CreateImage") == []) }
        var both = origins[0]
        both.url = "https://a.example/b"
        #expect(try problems(both, "CreateImage") != [])
        let update = UpdateImageWire(name: full ? "s" : nil, deletionProtection: full)
        #expect(try problems(update, "UpdateImage") == [])
    }

    @Test("the wire types of billing are what it declares", arguments: [true, false])
    func billingWireTypes(full: Bool) throws {
        let prices = PricesWire(
            specifications: [
                SpecificationPriceWire(
                    specification: "S-1C", pricePerHour: "5.479", pricePerMonth: "3999.000")
            ], publicIpPerMonth: "2000.000", snapshotGbPerMonth: full ? "80.000" : nil,
            imageGbPerMonth: full ? "80.000" : nil)
        var billing = BillingWire(enabled: full, currency: "RWF", standing: "ACTIVE", prices: prices)
        if full {
            billing.balance = "-0.500"
            billing.reserved = "131.496"
            billing.available = "0.000"
            billing.pricePerHour = "5.479"
            billing.monthlyEstimate = "3999.670"
            billing.daysLeft = 0
        }
        try check(billing, "BillingEnvelope")
        let entry = LedgerEntryWire(
            number: 1, at: "2024-01-15T10:00:00Z", kind: full ? "COMPUTE_HOURS" : "CREDIT",
            computeId: full ? "325" : nil, reference: "2024-01-15", amount: "-5.479", balance: "0.000")
        try check([entry], "LedgerEnvelope", meta: MetaWire(total: 1, page: 1, limit: 20))
        let quote = ComputeQuoteWire(
            hostName: "web-1", image: "UBUNTU-24.04", specification: "S-1C", region: "KGL-1",
            publicIp: full, currency: "RWF", pricePerHour: "5.479", pricePerMonth: "3999.000",
            publicIpPerMonth: full ? "2000.000" : nil, daysLeft: full ? 3 : nil)
        try check(quote, "ComputeQuoteEnvelope", warnings: full ? ["publicKeys[0] is cut short"] : nil)
    }

    private func check(
        _ data: some Codable & Sendable, _ schema: String, meta: MetaWire? = nil, warnings: [String]? = nil
    ) throws {
        let envelope = EnvelopeWire(
            data: data, meta: meta, warnings: warnings, requestId: "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            timestamp: Timestamp.text(1_705_312_800_000))
        #expect(try problems(envelope, schema) == [])
    }

    private func problems(_ value: some Encodable, _ schema: String) throws -> [String] {
        let value = try JSONValue(parsing: JSONEncoder().encode(value))
        return document.checker.problems(
            value, schema: .object(["$ref": .string("#/components/schemas/\(schema)")]), at: schema)
    }

    /// Calls `body` for every object in the value, with its place.
    private func visit(_ value: JSONValue, at place: String, _ body: (String, JSONValue) -> Void) {
        if value.object != nil { body(place, value) }
        for (name, member) in value.object ?? [:] { visit(member, at: "\(place).\(name)", body) }
        for item in value.array ?? [] { visit(item, at: place, body) }
    }
}
