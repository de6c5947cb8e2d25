import CloudControl
import CloudCore
import CloudWire
import HTTPTypes
import Hummingbird

/// `/team` and its `/keys`.
struct TeamRoutes: Sendable {
    let cloud: Cloud

    var all: [Route] {
        [
            .api(.get, "/team", handle: team),
            .api(.get, "/keys", handle: keys),
            .api(.post, "/keys", body: Self.keyBody, handle: create),
            .api(.delete, "/keys/{id}", handle: revoke),
        ]
    }

    private static let keyBody = RouteBody.json(
        JSONBody(#"{"name": …, "role": …}"#, shorten: "Send a name and a role alone."))

    @Sendable
    private func team(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let caller = try context.requireCaller()
        let (team, standing) = try await GetTeam(caller: caller).run(in: cloud)
        return try Envelope(context, cloud.clock).response(
            .ok, TeamWire(team, standing: standing, role: caller.role))
    }

    @Sendable
    private func keys(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let page = try Page(request)
        let (keys, total) = try await ListKeys(page: page, caller: try context.requireCaller()).run(in: cloud)
        return try Envelope(context, cloud.clock).list(keys.map { KeyWire($0) }, page, total: total)
    }

    @Sendable
    private func create(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let idempotencyKey = try request.idempotencyKeyIfSent()
        let members = try await context.members(of: request)
        let asked = try KeyRequest(members: members)
        let change = try context.changeRequest(
            CreateKey.endpoint, idempotencyKey, try KnownMembers.ofKey(members))
        let created = try await CreateKey(name: asked.name, role: asked.role, request: change).run(in: cloud)
        var response = try Envelope(context, cloud.clock).response(
            .created, KeyWire(created.key, secret: created.secret))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    @Sendable
    private func revoke(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let key = try await RevokeKey(
            id: try context.requireId("key"),
            by: .caller(try context.requireCaller(), requestId: context.requestId)
        ).run(in: cloud)
        return try Envelope(context, cloud.clock).response(.ok, KeyWire(key))
    }
}

/// The body of `POST /keys`.
private struct KeyRequest {
    var name: String
    var role: Role

    /// Unknown members are ignored. Throws `VALIDATION_ERROR` with every member that is missing or wrong.
    init(members: [String: JSONValue]) throws(CloudError) {
        var fields = Fields(members)
        name = fields.string("name")
        let text = fields.string("role")
        role = Role(rawValue: text) ?? .member
        if fields.problems.isEmpty {
            if let problem = DisplayName.problem(name) { fields.problems.append(Problem("name", problem)) }
        }
        if Role(rawValue: text) == nil, !fields.problems.contains(where: { $0.field == "role" }) {
            let roles = Role.allCases.map(\.rawValue).joined(separator: ", ")
            fields.problems.append(Problem("role", "'\(text.shown)' is no role. Send one of \(roles)."))
        }
        guard fields.problems.isEmpty else { throw CloudError.invalid(fields.problems) }
    }
}
