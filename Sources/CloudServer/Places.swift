import CloudControl
import CloudCore
import Synchronization

/// Places for requests that stay: a number for each key, one for each team, and one for all of them.
final class Places: Sendable {
    /// What takes them, in the plural, for messages.
    let what: String
    let limits: Limits
    private let taken = Mutex(Taken())

    struct Limits: Sendable {
        var perKey: Int
        /// However many keys the team has.
        var perTeam: Int
        var inAll: Int
    }

    private struct Taken {
        var keys: [Int64: Int] = [:]
        var teams: [Int64: Int] = [:]
        var all = 0
    }

    init(_ what: String, _ limits: Limits) {
        self.what = what
        self.limits = limits
    }

    /// A place, given back when nobody holds it any more, however that comes about.
    final class Place: Sendable {
        private let places: Places
        private let keyId: Int64
        private let teamId: Int64

        fileprivate init(_ places: Places, keyId: Int64, teamId: Int64) {
            self.places = places
            self.keyId = keyId
            self.teamId = teamId
        }

        deinit { places.leave(keyId, teamId) }
    }

    /// Throws `TOO_MANY_REQUESTS` when the key or its team has all of its places taken, and `SERVICE_UNAVAILABLE` when
    /// the server has.
    func take(keyId: Int64, teamId: Int64) throws(CloudError) -> Place {
        try taken.withLock { taken throws(CloudError) in
            guard taken.keys[keyId, default: 0] < limits.perKey else { throw full("API key", limits.perKey) }
            guard taken.teams[teamId, default: 0] < limits.perTeam else { throw full("team", limits.perTeam) }
            guard taken.all < limits.inAll else {
                throw CloudError(
                    .serviceUnavailable,
                    "The server has \(limits.inAll) \(what) open, the most that it can have. Try again later."
                )
            }
            taken.keys[keyId, default: 0] += 1
            taken.teams[teamId, default: 0] += 1
            taken.all += 1
        }
        return Place(self, keyId: keyId, teamId: teamId)
    }

    private func full(_ whose: String, _ limit: Int) -> CloudError {
        CloudError(
            .tooManyRequests,
            "This \(whose) has \(limit) \(what) open, the most that one may have. Close one first.")
    }

    private func leave(_ keyId: Int64, _ teamId: Int64) {
        taken.withLock { taken in
            taken.keys.giveBack(keyId)
            taken.teams.giveBack(teamId)
            taken.all -= 1
        }
    }
}

extension [Int64: Int] {
    /// Counts one less; a count of none is not kept.
    fileprivate mutating func giveBack(_ id: Int64) {
        let left = self[id, default: 1] - 1
        self[id] = left > 0 ? left : nil
    }
}
