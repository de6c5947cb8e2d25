import CloudCore
import Synchronization

/// Places for requests that stay: so many for each key, and so many for all of them.
final class Places: Sendable {
    /// What takes them, in the plural, for messages.
    let what: String
    let perKey: Int
    let inAll: Int
    private let taken = Mutex<[Int64: Int]>([:])

    init(_ what: String, perKey: Int, inAll: Int) {
        self.what = what
        self.perKey = perKey
        self.inAll = inAll
    }

    /// A place, given back when nobody holds it any more, however that comes about.
    final class Place: Sendable {
        private let places: Places
        private let keyId: Int64

        fileprivate init(_ places: Places, keyId: Int64) {
            self.places = places
            self.keyId = keyId
        }

        deinit { places.leave(keyId) }
    }

    /// Throws `TOO_MANY_REQUESTS` when the key has all of its places taken, and `SERVICE_UNAVAILABLE` when the server
    /// has.
    func take(keyId: Int64) throws(CloudError) -> Place {
        try taken.withLock { taken throws(CloudError) in
            guard taken[keyId, default: 0] < perKey else {
                throw CloudError(
                    .tooManyRequests,
                    "This API key has \(perKey) \(what) open, the most that one may have. Close one first.")
            }
            guard taken.values.reduce(0, +) < inAll else {
                throw CloudError(
                    .serviceUnavailable,
                    "The server has \(inAll) \(what) open, the most that it can have. Try again later.")
            }
            taken[keyId, default: 0] += 1
        }
        return Place(self, keyId: keyId)
    }

    private func leave(_ keyId: Int64) {
        taken.withLock { taken in
            let left = taken[keyId, default: 1] - 1
            taken[keyId] = left > 0 ? left : nil
        }
    }
}
