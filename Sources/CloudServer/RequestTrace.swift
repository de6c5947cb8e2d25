import CloudCore
import Logging
import Synchronization

/// What becomes known of a request on its way inwards, for the log: never a key, a secret or a body. It is put into words
/// only where somebody logs it.
final class RequestTrace: Sendable {
    private struct Notes {
        var teamId: Int64?
        /// As the client wrote it, or an id.
        var compute: String?
        /// Of a guest that is known by it.
        var address: IPv4Address?
    }

    private let notes = Mutex(Notes())

    func note(teamId: Int64) { notes.withLock { $0.teamId = teamId } }

    func note(compute: String) { notes.withLock { $0.compute = compute } }

    func note(address: IPv4Address) { notes.withLock { $0.address = address } }

    var metadata: Logger.Metadata {
        let notes = notes.withLock { $0 }
        var metadata: Logger.Metadata = [:]
        if let teamId = notes.teamId { metadata["team"] = "\(teamId)" }
        if let compute = notes.compute { metadata["compute"] = "\(compute.shown)" }
        if let address = notes.address { metadata["peer"] = "\(address)" }
        return metadata
    }
}
