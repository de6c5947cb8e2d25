import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Which programs may connect to each other")
struct LinkQueryTests {
    private static let first = String(repeating: "a", count: 64)
    private static let second = String(repeating: "b", count: 64)
    private static let server = String(repeating: "c", count: 64)

    /// A host that a worker owns.
    private static func own(_ sql: any SQLConnection, _ name: String) throws -> OwnedHost {
        let facts = HostFacts(identity: name, name: name)
        let id = try sql.hosts.get(identity: name)?.id ?? sql.hosts.insert(facts)
        return OwnedHost(id: id, epoch: try sql.hosts.take(id, facts, owner: "worker", nowMs: 1))
    }

    private static func link(
        _ fingerprint: String, _ host: OwnedHost?, answersAPI: Bool = false, _ address: String? = nil
    ) -> LinkRecord {
        LinkRecord(
            fingerprint: fingerprint, host: host, answersAPI: answersAPI, name: "name",
            address: address.flatMap { IPv4Endpoint($0) })
    }

    @Test("a host's program is named with its host and its address, and the next one takes its place")
    func host() async throws {
        try await Engine.standard.withDatabase { database in
            try await database.write { sql in
                let owned = try Self.own(sql, "host-1")
                let link = Self.link(Self.first, owned, answersAPI: true, "192.0.2.1:289")
                try sql.links.set(link, nowMs: 5)
                try sql.links.set(link, nowMs: 6)
                #expect(
                    try sql.links.accepted(Self.first, nowMs: .max / 2) == link, "however long ago it was")
                #expect(try sql.links.of(hostId: owned.id) == link)
                #expect(try sql.links.accepted(Self.second, nowMs: 6) == nil)

                let next = try Self.own(sql, "host-1")
                #expect(try sql.links.accepted(Self.first, nowMs: 6) == nil, "another worker has the host")
                #expect(try sql.links.of(hostId: owned.id) == nil)
                try sql.links.set(Self.link(Self.second, next), nowMs: 7)
                #expect(try sql.links.of(hostId: owned.id)?.fingerprint == Self.second)
                #expect(try sql.links.ofHosts().mapValues(\.fingerprint) == [owned.id: Self.second])
                #expect(try sql.query("SELECT 1 AS one FROM links").count == 1)
            }
        }
    }

    @Test("one that is removed or evacuated is not accepted")
    func lost() async throws {
        try await Engine.standard.withDatabase { database in
            try await database.write { sql in
                let (one, two) = (try Self.own(sql, "host-1"), try Self.own(sql, "host-2"))
                try sql.links.set(Self.link(Self.first, one), nowMs: 5)
                try sql.links.set(Self.link(Self.second, two), nowMs: 5)
                let all: Set = [Self.first, Self.second]
                #expect(try sql.links.accepted(of: all, nowMs: 5) == all)
                try sql.hosts.remove(one.id)
                #expect(try sql.links.accepted(of: all, nowMs: 5) == [Self.second])
                _ = try sql.hosts.fence(two.id)
                #expect(try sql.links.accepted(of: all, nowMs: 5) == [])
                #expect(try sql.links.accepted(of: [], nowMs: 5) == [])
                #expect(try sql.links.ofHosts() == [:])
            }
        }
    }

    @Test("a server of the API is accepted for five minutes after it last said that it lives")
    func server() async throws {
        try await Engine.standard.withDatabase { database in
            try await database.write { sql in
                let link = Self.link(Self.server, nil, answersAPI: true)
                try sql.links.set(link, nowMs: 1000)
                #expect(try sql.links.accepted(Self.server, nowMs: 1000 + LinkRecord.aliveMs) == link)
                #expect(try sql.links.accepted(Self.server, nowMs: 1001 + LinkRecord.aliveMs) == nil)
                try sql.links.set(link, nowMs: 2000)
                #expect(try sql.links.accepted(Self.server, nowMs: 1001 + LinkRecord.aliveMs) == link)
                let later = 2001 + LinkRecord.aliveMs
                try sql.links.set(Self.link(Self.first, nil, answersAPI: true), nowMs: later)
                #expect(
                    try sql.query("SELECT fingerprint FROM links").map { try $0.text("fingerprint") } == [
                        Self.first
                    ],
                    "those that are silent are forgotten")
            }
        }
    }

    @Test("a program without a host is one that answers the API, and is reached nowhere")
    func shape() async throws {
        try await Engine.standard.withDatabase { database in
            for wrong in [
                Self.link(Self.server, nil), Self.link(Self.server, nil, answersAPI: true, "192.0.2.1:289"),
                Self.link("short", nil, answersAPI: true),
            ] {
                await #expect(throws: (any Error).self) {
                    try await database.write { sql in try sql.links.set(wrong, nowMs: 1) }
                }
            }
        }
    }
}
