import CloudCore

/// What a server does of all that there is to do.
enum ServeRole: String, Sendable, CaseIterable {
    /// Everything: one machine needs no other server.
    case all
    /// Answers the API. It has no host, needs no QEMU and no root, and any number of them may serve one cell.
    case api
    /// Works on the machines of its host, and does not answer the API.
    case worker

    var answersAPI: Bool { self != .worker }
    var hasHost: Bool { self != .api }

    /// Throws `VALIDATION_ERROR` when the role needs a database that several servers share.
    /// - Parameter isEmbedded: whether the database is a file of this server's own.
    func check(isEmbedded: Bool) throws(CloudError) {
        guard isEmbedded, self != .all else { return }
        throw CloudError.invalid([
            Problem(
                "role",
                "'\(rawValue)' needs a database that servers share, and SQLite is a file of one server. Give 'all', or a "
                    + "PostgreSQL database.")
        ])
    }
}
