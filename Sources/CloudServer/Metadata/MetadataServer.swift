import CloudControl
import CloudCore
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// What the metadata service answers: to each guest about its own compute, known by the address that it asks from.
///
/// Beside it, what guests may ask of the API, so that a guest's token is of use also where guests don't reach the API.
struct MetadataServer: Sendable {
    let cloud: Cloud

    static let basePath = "/metadata/v1"
    /// The API as guests reach it when the operator names no other way.
    static let apiUrl = "http://\(IPv4Endpoint.wellKnownMetadata.address)\(Routes.basePath)"

    /// All that is served at the metadata service's address.
    var responder: CloudResponder {
        var responder = CloudResponder(
            clock: cloud.clock, routes: routes + Routes.all(cloud).filter(\.isForGuests),
            admission: Admission(cloud, guestsOnly: true), metrics: RequestMetrics(), limits: ListenerLimits()
        )
        responder.form = { $0.hasPrefix(Routes.basePath + "/") ? .envelope : .text }
        responder.check = MetadataRules(clock: cloud.clock).check
        return responder
    }

    private var routes: [Route] {
        [
            Route(.get, Self.basePath + "/**", access: .guestAddress, handle: tree),
            Route(.get, Self.basePath + "/auth-token", access: .guestAddress, handle: token),
            Route(.get, Self.basePath + ".json", access: .guestAddress, handle: json),
        ]
    }

    @Sendable
    private func tree(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let compute = try await compute(context)
        let path = request.uri.path
        guard let text = MetadataTree(compute).text(at: path.dropFirst(Self.basePath.count)) else {
            throw Self.nothing(at: path)
        }
        return AnswerForm.text(.ok, text)
    }

    @Sendable
    private func json(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        try Self.json(MetadataJSON(try await compute(context)))
    }

    @Sendable
    private func token(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        guard let resourceId = request.headers[.resourceId].flatMap(CloudRequestContext.id) else {
            throw CloudError(
                .badRequest,
                "The header X-Resource-ID is missing or no decimal id. Send this compute's own, which is at "
                    + "\(Self.basePath)/id.")
        }
        let token = try await CreateGuestToken(address: try peer(context), resourceId: resourceId).run(
            in: cloud)
        return try Self.json(
            GuestTokenJSON(token: token, cloudAPIUrl: cloud.settings.apiUrl ?? Self.apiUrl))
    }

    private func compute(_ context: CloudRequestContext) async throws -> Compute {
        try await GetGuestMetadata(address: try peer(context)).run(in: cloud)
    }

    private func peer(_ context: CloudRequestContext) throws(CloudError) -> IPv4Address {
        guard let peer = context.peer.ipv4Address else {
            throw CloudError.bug("a connection without an IPv4 address")
        }
        return peer
    }

    static func nothing(at path: String) -> CloudError {
        CloudError(
            .resourceNotFound, "There is nothing at \(path.shown). GET \(basePath)/ lists what there is.")
    }

    private static func json(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Envelope.response(.ok, body: String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
