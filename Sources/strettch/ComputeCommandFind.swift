import CloudClient
import CloudWire

/// Finds a compute by what the user calls it.
enum ComputeCommandFind {
    /// The compute with that id, or else the only one with that name.
    ///
    /// - Throws: `CommandFailure` when there is none or more than one, and `ClientError`.
    static func find(_ idOrName: String, _ client: StrettchClient) async throws -> ComputeWire {
        if isId(idOrName), let compute = try await byId(idOrName, client) { return compute }
        return try only(idOrName, in: try await client.allComputes())
    }

    /// Host names are compared without regard to case (RFC 4343).
    static func only(_ name: String, in computes: [ComputeWire]) throws -> ComputeWire {
        let found = computes.filter { $0.hostName.lowercased() == name.lowercased() }
        guard let first = found.first else {
            throw CommandFailure(
                .notFound, code: "RESOURCE_NOT_FOUND",
                "There is no compute \"\(name)\". See `strettch compute list`.")
        }
        guard found.count == 1 else {
            let ids = found.map { "\($0.id) (\($0.state))" }.joined(separator: ", ")
            throw CommandFailure(
                .conflict, code: "CONFLICT",
                "\(found.count) computes are called \"\(name)\": \(ids). Give the id.")
        }
        return first
    }

    /// Whether the text can be an id.
    static func isId(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func byId(_ id: String, _ client: StrettchClient) async throws -> ComputeWire? {
        do {
            return try await client.compute(id: id).data
        } catch let error as ClientError where error.kind == .refused && error.status == 404 {
            return nil  // a name may be all digits
        }
    }
}
