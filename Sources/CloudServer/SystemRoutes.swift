import CloudControl
import CloudCore
import CloudWire
import Hummingbird
import NIOCore

/// `/health` and the contract itself.
struct SystemRoutes: Sendable {
    let cloud: Cloud

    /// What the service calls itself (API reference, "Endpoints").
    static let name = "public-api"

    var all: [Route] {
        [
            .api(.get, "/health", access: .anyone, handle: health),
            .api(.get, "/openapi.json", access: .anyone, handle: openAPI),
        ]
    }

    @Sendable
    private func health(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let checks = await CheckHealth().run(in: cloud)
        guard checks.values.allSatisfy({ $0 == "ok" }) else {
            let failing = checks.filter { $0.value != "ok" }.map { "\($0.key) \($0.value)" }.sorted()
            throw CloudError(
                .serviceUnavailable, "The service is not healthy: \(failing.joined(separator: ", ")).")
        }
        return try Envelope(context, cloud.clock).response(
            .ok, HealthWire(service: Self.name, status: "ok", version: Version.current, checks: checks))
    }

    @Sendable
    private func openAPI(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        Response(
            status: .ok, headers: [.contentType: Envelope.contentType],
            body: ResponseBody(byteBuffer: OpenAPI.buffer))
    }
}

/// The contract that the server keeps, written by hand.
public enum OpenAPI {
    /// JSON, UTF-8.
    public static let document: [UInt8] = PackageResources.openapi_json

    /// The document for answers, which share it: however many clients don't read it, it is in memory once.
    static let buffer = ByteBuffer(bytes: document)
}
