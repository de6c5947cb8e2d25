import CloudCore
import CloudDatabase
import CloudTesting
import Logging
import Synchronization
import Testing

@testable import CloudLink

@Suite("How a program is named to the others")
struct LinkRegistrationTests {
    private static let address = IPv4Endpoint(address: IPv4Address(0xC000_0201), port: 289)

    private static func registration(
        _ lab: LinkLab, _ identity: LinkIdentity, host: (@Sendable () -> OwnedHost?)?
    ) -> LinkRegistration {
        LinkRegistration(
            identity: identity, answersAPI: host == nil, name: "machine", database: lab.database,
            clock: lab.clock, host: host, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("a host's program is named once its host is registered, and again when its row is gone")
    func host() async throws {
        try await LinkLab.with { lab in
            let owned = Known<OwnedHost>()
            let identity = try LinkIdentity()
            let registration = Self.registration(lab, identity) { owned.value }
            await registration.listens(at: Self.address)
            #expect(await !registration.register(), "there is no host yet")
            owned.set(try await lab.own("host-1"))
            for _ in 0..<2 {
                #expect(await registration.register())
                let links = try await lab.database.read { sql in try sql.links.ofHosts() }
                let link = try #require(links.values.first)
                #expect(link.fingerprint == identity.fingerprint && link.address == Self.address)
                #expect(link.name == "host-1" && !link.answersAPI && link.host == owned.value)
                try await lab.change { sql in try sql.execute("DELETE FROM links") }
            }
        }
    }

    @Test("what is as it should be is not written again")
    func quiet() async throws {
        try await LinkLab.with { lab in
            let owned = try await lab.own("host-1")
            let registration = Self.registration(lab, try LinkIdentity()) { owned }
            #expect(await registration.register())
            try await lab.change { sql in try sql.execute("UPDATE links SET seen_at_ms = 1") }
            #expect(await registration.register())
            let seen = try await lab.database.read { sql in
                try sql.query("SELECT seen_at_ms FROM links").map { try $0.int("seen_at_ms") }
            }
            #expect(seen == [1])
        }
    }

    @Test("a worker that has lost its host names itself no more")
    func lost() async throws {
        try await LinkLab.with { lab in
            let owned = try await lab.own("host-1")
            _ = try await lab.own("host-1")
            #expect(await Self.registration(lab, try LinkIdentity()) { owned }.register())
            #expect(
                try await lab.database.read { sql in try sql.query("SELECT 1 AS one FROM links") }.isEmpty)
        }
    }

    @Test("a server of the API says every half minute that it lives")
    func server() async throws {
        try await LinkLab.with { lab in
            let identity = try LinkIdentity()
            let registration = Self.registration(lab, identity, host: nil)
            let task = Task { try await registration.run() }
            func seen() async throws -> Int64? {
                try await lab.database.read { sql in
                    try sql.query("SELECT seen_at_ms FROM links WHERE name = 'machine'").first?.int(
                        "seen_at_ms")
                }
            }
            try await eventually("it is named") { try await seen() != nil }
            try await eventually("it sleeps") { lab.clock.sleeping == 1 }
            try await lab.change { sql in try sql.execute("UPDATE links SET seen_at_ms = 1") }
            lab.clock.advance(milliseconds: 30_000)
            try await eventually("it has said so again") { try await seen() != 1 }
            task.cancel()
            _ = await task.result
        }
    }
}
