import CloudCore
import Testing

@testable import CloudServer

@Suite("Places for requests that stay")
struct PlacesTests {
    private let places = Places("streams of events", .init(perKey: 2, perTeam: 3, inAll: 5))

    @Test("are bounded for a key, for a team whatever keys it has, and in all")
    func bounds() throws {
        var held = try [1, 1, 2].map { try places.take(keyId: $0, teamId: 1) }
        expectFull(.tooManyRequests, "team", keyId: 2, teamId: 1)
        expectFull(.tooManyRequests, "team", keyId: 3, teamId: 1)
        expectFull(.tooManyRequests, "API key", keyId: 1, teamId: 1)
        held += try [4, 5].map { try places.take(keyId: $0, teamId: 2) }
        expectFull(.serviceUnavailable, "server", keyId: 6, teamId: 3)
        held.removeFirst()
        held.append(try places.take(keyId: 3, teamId: 1))
        #expect(held.count == 5)
        held = []
        _ = try places.take(keyId: 1, teamId: 1)
    }

    @Test("no team has more than a quarter of those that the API has")
    func quarter() {
        for limits in [EventRoutes.maxStreams, Routes.maxWaits] {
            #expect(limits.perKey <= limits.perTeam && 4 * limits.perTeam <= limits.inAll)
        }
    }

    private func expectFull(_ code: ErrorCode, _ whose: String, keyId: Int64, teamId: Int64) {
        let error = #expect(throws: CloudError.self) { _ = try places.take(keyId: keyId, teamId: teamId) }
        #expect(error?.code == code && error?.message.contains(whose) == true, "\(error?.message ?? "")")
    }
}
