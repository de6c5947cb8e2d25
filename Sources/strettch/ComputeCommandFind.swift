import CloudClient
import CloudWire

/// Finds a compute by what the user calls it.
enum ComputeCommandFind {
    /// The compute with that id, or else the only one with that name.
    ///
    /// - Throws: `CommandFailure` when there is none or more than one, and `ClientError`.
    static func find(_ idOrName: String, _ client: StrettchClient) async throws -> ComputeWire {
        try await CommandFind.find(
            idOrName, byId: { try await client.compute(id: $0).data },
            byName: { try only($0, in: try await client.allComputes()) })
    }

    /// Host names are compared without regard to case (RFC 4343).
    static func only(_ name: String, in computes: [ComputeWire]) throws -> ComputeWire {
        try CommandFind.only(
            computes.filter { $0.hostName.lowercased() == name.lowercased() }, called: name, mark: \.state)
    }
}
