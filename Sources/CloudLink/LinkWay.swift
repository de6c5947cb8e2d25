import CloudCore
import CloudDatabase

/// How a host is reached now.
struct LinkWay: Sendable, Equatable {
    /// The host's name.
    var name: String
    var address: IPv4Endpoint
    /// Of the one certificate that the host shows.
    var fingerprint: String
}

extension LinkWay {
    /// The way to a host as the database has it. Throws `SERVICE_UNAVAILABLE` with the reason and the remedy when there is none.
    static func find(_ hostId: Int64, _ sql: any SQLConnection, nowMs: Int64) throws -> LinkWay {
        guard let host = try sql.hosts.get(hostId), host.state != .removed else {
            throw CloudError(.serviceUnavailable, "The host that has this is not in the cell any more.")
        }
        let name = host.name.shown
        guard !host.isDown(nowMs: nowMs) else {
            throw CloudError(
                .serviceUnavailable,
                "Nobody has heard of the host '\(name)' for \(HostHeartbeat.downAfterMs / 1000) s. Try again when it is back."
            )
        }
        guard let link = try sql.links.of(hostId: hostId), let address = link.address else {
            throw CloudError(
                .serviceUnavailable,
                "The host '\(name)' can't be reached from here: it has no address for other servers of the cell. Its operator "
                    + "sets hostLink there, or underlay, and restarts its worker.")
        }
        return LinkWay(name: host.name, address: address, fingerprint: link.fingerprint)
    }
}
