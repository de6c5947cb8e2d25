import CloudControl
import CloudCore
import CloudTesting
import HTTPTypes
import NIOCore
import Testing

@testable import CloudServer

@Suite("The rate limit")
struct RateLimitTests {
    @Test("the third request of a key in a second is 429 with the way out, and the next second is open again")
    func third() async throws {
        try await withLimit { cloud in
            for left in ["1", "0"] {
                let answer = try await cloud.send(.get, "/images")
                #expect(answer.status == 200)
                #expect(answer.rate == ["2", left, "1705312801"])
            }
            let refused = try await cloud.send(.get, "/images")
            #expect(refused.status == 429)
            #expect(refused.code == "TOO_MANY_REQUESTS")
            #expect(refused.headers[.retryAfter] == "1")
            #expect(refused.rate == ["2", "0", "1705312801"])
            cloud.clock.advance(milliseconds: 999)
            #expect(try await cloud.send(.get, "/images").status == 429)
            cloud.clock.advance(milliseconds: 1)
            let open = try await cloud.send(.get, "/images")
            #expect(open.status == 200)
            #expect(open.rate == ["2", "1", "1705312802"])
        }
    }

    @Test("each key counts for itself, also within a team")
    func keys() async throws {
        try await withLimit { cloud in
            for key in [TestCloud.Key.of(.owner), .of(.admin), .of(.member), .stranger] {
                var statuses: [Int] = []
                for _ in 0..<3 { statuses.append(try await cloud.send(.get, "/regions", as: key).status) }
                #expect(statuses == [200, 200, 429])
            }
        }
    }

    @Test(
        "the keys of a team have one limit together, whatever their number; another team's are not concerned")
    func team() async throws {
        try await withLimit(ofTeam: 5) { cloud in
            let made = try await cloud.send(.post, "/keys", body: #"{"name": "more", "role": "Member"}"#)
            let more = TestCloud.Key.raw("Bearer \(made.data?["key"]?.string ?? "")")
            var rates = [made.rate]
            for key in [TestCloud.Key.of(.owner), .of(.admin), .of(.member), more] {
                rates.append(try await cloud.send(.get, "/regions", as: key).rate)
            }
            // Limit and remaining of whatever leaves fewer: the key's own 2 in a tie, the team's 5.
            #expect(
                rates.map { Array($0.prefix(2)) } == [
                    ["2", "1"], ["2", "0"], ["2", "1"], ["2", "1"], ["5", "0"],
                ])
            let refused = try await cloud.send(.get, "/regions", as: .of(.member))
            #expect(refused.status == 429)
            #expect(refused.rate == ["5", "0", "1705312801"])
            #expect(refused.headers[.retryAfter] == "1")
            #expect(try await cloud.send(.get, "/regions", as: .stranger).status == 200)
            #expect(try await cloud.send(.get, "/health", as: .none).status == 200)
            cloud.clock.advance(milliseconds: 1000)
            let open = try await cloud.send(.get, "/regions", as: .of(.member))
            #expect(open.rate == ["2", "1", "1705312802"], "what was refused used nothing up")
        }
    }

    @Test("what a key is refused by its own limit uses up nothing of its team's")
    func ownFirst() async throws {
        try await withLimit(ofTeam: 4) { cloud in
            var statuses: [Int] = []
            for key in [TestCloud.Key.of(.owner), .of(.admin)] {
                for _ in 0..<4 { statuses.append(try await cloud.send(.get, "/regions", as: key).status) }
            }
            #expect(statuses == [200, 200, 429, 429, 200, 200, 429, 429])
            #expect(try await cloud.send(.get, "/regions", as: .of(.member)).rate.first == "4")
        }
    }

    @Test("guests of a team have a limit of their own together, which is not the keys'")
    func guests() async throws {
        let clock = ManualClock()
        let limiter = RateLimiter(keyLimit: 2, teamLimit: 3, peerLimit: 100, clock: clock)
        let allowed = [1, 1, 1, 2, 3].map { limiter.take(.guest($0), of: .guests(teamId: 1))?.isAllowed }
        #expect(allowed == [true, true, false, true, false])
        #expect(limiter.take(.key(1), of: .keys(teamId: 1))?.isAllowed == true)
        #expect(limiter.take(.guest(9), of: .guests(teamId: 2))?.isAllowed == true)
    }

    @Test("keys of one team beyond its limit don't take the places of other teams' keys in the count")
    func crowd() async throws {
        let limiter = RateLimiter(keyLimit: 2, teamLimit: 3, peerLimit: 100, clock: ManualClock())
        for key in 1...Int64(2 * RateLimiter.maxClients) {
            _ = limiter.take(.key(key), of: .keys(teamId: 1))
        }
        #expect(limiter.take(.key(0), of: .keys(teamId: 2))?.isAllowed == true)
    }

    @Test("of the limits of keys, teams and peers, each holds where the others are not set")
    func independent() async throws {
        let clock = ManualClock()
        let ofTeam = RateLimiter(keyLimit: 0, teamLimit: 3, peerLimit: 2, clock: clock)
        let keys = [1, 1, 2, 3].map { ofTeam.take(.key($0), of: .keys(teamId: 1)) }
        #expect(keys.map { $0?.isAllowed } == [true, true, true, false])
        #expect(keys.map { $0?.limit } == [3, 3, 3, 3])
        #expect(ofTeam.take(.key(4), of: .keys(teamId: 2))?.isAllowed == true)
        let ofNobody = RateLimiter(keyLimit: 0, teamLimit: 0, peerLimit: 2, clock: clock)
        #expect((0..<9).allSatisfy { _ in ofNobody.take(.key(1), of: .keys(teamId: 1)) == nil })
        #expect((0..<3).map { _ in ofNobody.take(.ipv4(1))?.isAllowed } == [true, true, false])
        let ofKeys = RateLimiter(keyLimit: 1, teamLimit: 0, peerLimit: 0, clock: clock)
        #expect((0..<2).map { _ in ofKeys.take(.key(1), of: .keys(teamId: 1))?.isAllowed } == [true, false])
        #expect((0..<9).allSatisfy { _ in ofKeys.take(.local) == nil })
    }

    @Test("one IPv6 site has the requests of ten peers, and does not take the places of others")
    func site() async throws {
        let limiter = RateLimiter(keyLimit: 2, teamLimit: 3, peerLimit: 100, clock: ManualClock())
        let site: UInt64 = 0x2001_0DB8_0001_0000
        let allowed = (0..<UInt64(2 * RateLimiter.maxClients)).filter {
            limiter.take(.ipv6Network(site + $0))?.isAllowed == true
        }
        #expect(allowed.count == 100 * RateLimiter.peersOfSite)
        #expect(limiter.take(.ipv6Network(site + 0xFFFF))?.limit == 1000, "the last of the same site")
        for other in [Peer.ipv6Network(site + 0x1_0000), .ipv6Network(site - 1), .ipv4(1), .local] {
            let first = limiter.take(other)
            #expect(first?.isAllowed == true && first?.limit == 100 && first?.remaining == 99, "\(other)")
        }
    }

    @Test("keys have no limit, and whoever guesses them has one, where rateLimit is 0")
    func guessesWithoutKeyLimit() async throws {
        try await withLimit(ofKey: 0) { cloud in
            for _ in 1...100 { _ = try await cloud.send(.get, "/images", as: .raw("Bearer strettch_x")) }
            #expect(try await cloud.send(.get, "/images", as: .raw("Bearer strettch_x")).status == 429)
            let answer = try await cloud.send(.get, "/images")
            #expect(answer.status == 200 && answer.rate == [])
        }
    }

    @Test("replays, HEAD, refusals and creates all count")
    func allCount() async throws {
        try await withLimit { cloud in
            let key = TestCloud.newKey()
            #expect(try await cloud.create(idempotencyKey: key).status == 202)
            let replay = try await cloud.create(idempotencyKey: key)
            #expect(replay.headers[.idempotentReplayed] == "true")
            #expect(replay.rate == ["2", "0", "1705312801"])
            #expect(try await cloud.create(idempotencyKey: key).status == 429)

            cloud.clock.advance(milliseconds: 1000)
            #expect(try await cloud.send(.get, "/computes/999").status == 404)
            let fields = cloud.createFields()
            #expect(try await cloud.sendRaw(.head, "/api/v1/images", fields).status == 200)
            let head = try await cloud.sendRaw(.head, "/api/v1/images", fields)
            #expect(head.status == 429)
            #expect(head.text.isEmpty)
        }
    }

    @Test("a refused create makes nothing, and its idempotency key is still free")
    func refusedCreate() async throws {
        try await withLimit { cloud in
            for _ in 0..<2 { _ = try await cloud.send(.get, "/images") }
            let key = TestCloud.newKey()
            #expect(try await cloud.create(idempotencyKey: key).status == 429)
            cloud.clock.advance(milliseconds: 1000)
            let made = try await cloud.create(idempotencyKey: key)
            #expect(made.status == 202)
            #expect(made.headers[.idempotentReplayed] == nil)
        }
    }

    @Test("requests without a valid key count for their peer, and never shut out the keys beside them")
    func guesses() async throws {
        try await withLimit { cloud in
            for number in 1...100 {
                let answer = try await cloud.send(.get, "/images", as: .raw("Bearer strettch_\(number)"))
                #expect(answer.status == 401)
                #expect(answer.rate.first == "100")
            }
            let refused = try await cloud.send(.get, "/images", as: .raw("Bearer strettch_0"))
            #expect(refused.status == 429)
            #expect(refused.headers[.wwwAuthenticate] == nil)
            for path in ["/health", "/openapi.json", "/nothing"] {
                #expect(try await cloud.send(.get, path, as: .none).status == 429, "\(path)")
            }
            #expect(try await cloud.send(.get, "/images").status == 200)
        }
    }

    @Test(
        "what needs no key, and what is not there, tells of the peer's limit", arguments: ["/health", "/x"])
    func open(_ path: String) async throws {
        try await withLimit { cloud in
            let first = try await cloud.send(.get, path)
            #expect(first.rate == ["100", "99", "1705312801"])
            let undeclared = try await cloud.send(.put, "/computes")
            #expect(undeclared.rate == ["100", "98", "1705312801"])
        }
    }

    @Test("without a limit no header speaks of one")
    func off() async throws {
        try await TestCloud.with { cloud in
            for _ in 0..<3 {
                let answer = try await cloud.send(.get, "/images")
                #expect(answer.status == 200)
                #expect(answer.rate == [])
            }
        }
    }

    @Test(
        "peers are addresses, or the network of an IPv6 line",
        arguments: [
            ("192.0.2.1", Peer.ipv4(0xC000_0201)), ("::ffff:192.0.2.1", .ipv4(0xC000_0201)),
            ("2001:db8:1:2::1", .ipv6Network(0x2001_0DB8_0001_0002)),
            ("2001:db8:1:2:ffff::9", .ipv6Network(0x2001_0DB8_0001_0002)), ("::1", .ipv6Network(0)),
        ])
    func peers(_ address: String, _ peer: Peer) throws {
        #expect(Peer(try SocketAddress(ipAddress: address, port: 1)) == peer)
    }

    @Test("a unix socket has one peer")
    func unixPeer() throws {
        #expect(Peer(try SocketAddress(unixDomainSocketPath: "/run/s")) == .local)
        #expect(Peer(nil) == .local)
    }

    private func withLimit(
        ofKey keyLimit: Int = 2, ofTeam teamLimit: Int = 0,
        _ body: @escaping @Sendable (TestCloud) async throws -> Void
    ) async throws {
        var settings = CloudSettings.test
        settings.rateLimit = keyLimit
        settings.teamRateLimit = teamLimit
        settings.peerRateLimit = 100
        try await TestCloud.with(settings: settings, body)
    }
}

extension TestAnswer {
    /// Limit, remaining and reset, as far as they are there.
    fileprivate var rate: [String] {
        [.rateLimitLimit, .rateLimitRemaining, .rateLimitReset].compactMap { headers[$0] }
    }
}
