import CloudClient
import CloudWire

/// Finds a resource, whatever its kind, by what the user calls it.
enum CommandFind {
    /// Whether the text can be an id.
    static func isId(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The resource with that id, or else the only one with that name. Throws `CommandFailure` when there is none or more than
    /// one, and `ClientError`.
    /// - Parameters:
    ///   - byId: asks the server for the resource with an id.
    ///   - byName: looks through the resources that there are.
    static func find<Resource: LiveResourceWire>(
        _ idOrName: String, byId: (String) async throws -> Resource, byName: (String) async throws -> Resource
    ) async throws -> Resource {
        guard isId(idOrName) else { return try await byName(idOrName) }
        do {
            return try await byId(idOrName)
        } catch let error as ClientError where error.kind == .refused && error.status == 404 {
            return try await byName(idOrName)  // a name may be all digits
        }
    }

    /// The only one of those found. Throws `CommandFailure` when there is none or more than one.
    /// - Parameter mark: what tells one from the others, besides its id.
    static func only<Resource: LiveResourceWire>(
        _ found: [Resource], called name: String, mark: (Resource) -> String
    ) throws -> Resource {
        guard let first = found.first else {
            throw CommandFailure(
                .notFound, code: "RESOURCE_NOT_FOUND",
                "There is no \(Resource.noun) \"\(name)\". See `strettch \(Resource.noun) list`.")
        }
        guard found.count == 1 else {
            let ids = found.map { "\($0.id) (\(mark($0)))" }.joined(separator: ", ")
            throw CommandFailure(
                .conflict, code: "CONFLICT",
                "\(found.count) \(Resource.noun)s are called \"\(name)\": \(ids). Give the id.")
        }
        return first
    }
}
