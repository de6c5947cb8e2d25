import CloudCore
import CloudDatabase
import CloudTesting
import Testing

@testable import CloudLink

/// Whom a host's program answers, and whom others take for it.
@Suite("The link to a host: trust", .timeLimit(.minutes(1)))
struct LinkTrustTests {
    private static let image = ImageOnHost(id: 7, createdAtMs: 5)

    /// What a host asks of another.
    private static func fetch(_ lab: LinkLab, from host: LinkProgram, by other: LinkProgram) async throws {
        let stream = try await lab.desk(of: host, for: other).file("kernel", of: image, from: 0)
        while try await stream.next() != nil {}
    }

    @Test("this program's own host is reached by a call, whatever the database says")
    func own() async throws {
        try await LinkLab.with { lab in
            let desk = FakeDesk()
            let host = LinkProgram(
                identity: try LinkIdentity(), host: try await lab.own("host-1"), desk: desk)
            #expect(try await lab.desk(of: host, for: host) as? FakeDesk === desk)
        }
    }

    @Test("a program that the database does not name is refused")
    func stranger() async throws {
        try await LinkLab.with { lab in
            let desk = FakeDesk()
            let host = try await lab.host("host-1", desk)
            let stranger = try await lab.server(isStranger: true)
            let error = await #expect(throws: CloudError.self) {
                try await lab.table(stranger).hello(host.host?.id ?? 0)
            }
            #expect(error?.code == .serviceUnavailable && error?.message.contains("host-1") == true)
            try await eventually("it is counted") {
                host.figure("strettch_link_refused_total", "stranger") == 1
            }
            #expect(desk.asked == [])
        }
    }

    @Test("a program that shows another certificate than the host's is not asked")
    func impostor() async throws {
        try await LinkLab.with { lab in
            let (desk, server) = (FakeDesk(), try await lab.server())
            let host = try await lab.host("host-1", desk)
            // Somebody else listens at the host's address.
            try await lab.change { sql in
                try sql.execute(
                    "UPDATE links SET fingerprint = $1 WHERE host_id IS NOT NULL",
                    [String(repeating: "0", count: 64)])
            }
            let up = Pattern(1 << 20)
            let error = await #expect(throws: CloudError.self) {
                try await lab.desk(of: host, for: server).receive(
                    Self.image, size: 1 << 20, from: 0, up.bytes)
            }
            #expect(error?.code == .serviceUnavailable)
            #expect(desk.asked == [] && up.made == 0, "not a byte was sent")
        }
    }

    @Test("a host that is removed, evacuated or taken over by another worker is out at once")
    func removed() async throws {
        typealias Change = @Sendable (any SQLConnection, OwnedHost) throws -> Void
        let changes: [Change] = [
            { sql, host in try sql.hosts.remove(host.id) },
            { sql, host in _ = try sql.hosts.fence(host.id) },
            { sql, host in
                _ = try sql.hosts.take(
                    host.id, HostFacts(identity: "host-2", name: "host-2"), owner: "another", nowMs: 0)
            },
        ]
        for change in changes {
            try await LinkLab.with { lab in
                let (host, other) = (try await lab.host("host-1"), try await lab.host("host-2"))
                try await Self.fetch(lab, from: host, by: other)
                let owned = try #require(other.host)
                try await lab.change { sql in try change(sql, owned) }
                await #expect(throws: CloudError.self) {
                    try await Self.fetch(lab, from: host, by: other)
                }
                #expect(host.desk?.asked.count == 1)
                await #expect(throws: CloudError.self, "nor is it asked itself") {
                    try await Self.fetch(lab, from: other, by: host)
                }
            }
        }
    }

    @Test("a stream to a host that is removed ends soon")
    func removedAmidst() async throws {
        var limits = LinkLimits()
        limits.recheck = .milliseconds(20)
        try await LinkLab.with(limits: limits) { lab in
            let endless = Pattern(.max, chunk: 1024)
            let host = try await lab.host("host-1", FakeDesk(content: { _ in endless.bytes }))
            let other = try await lab.host("host-2")
            let stream = try await lab.desk(of: host, for: other).file("kernel", of: Self.image, from: 0)
            _ = try await stream.next()
            let owned = try #require(other.host)
            try await lab.change { sql in try sql.hosts.remove(owned.id) }
            await #expect(throws: CloudError.self) { while try await stream.next() != nil {} }
            #expect(host.figure("strettch_link_refused_total", "removed") >= 1)
        }
    }

    @Test("a server of the API is out when it has not said for five minutes that it lives")
    func silentServer() async throws {
        try await LinkLab.with { lab in
            let (host, server) = (try await lab.host("host-1"), try await lab.server())
            let hostId = try #require(host.host?.id)
            try await lab.table(server).hello(hostId)
            // By the database's clock, where it has one: so the row is made older instead.
            try await lab.change { sql in
                try sql.execute(
                    "UPDATE links SET seen_at_ms = seen_at_ms - $1 WHERE host_id IS NULL",
                    [LinkRecord.aliveMs + 60_000])
            }
            await #expect(throws: CloudError.self) { try await lab.table(server).hello(hostId) }
        }
    }

    @Test("a host may not send to another, and a server of the API may not fetch")
    func rights() async throws {
        try await LinkLab.with { lab in
            let desk = FakeDesk()
            let host = try await lab.host("host-1", desk)
            let (other, server) = (try await lab.host("host-2"), try await lab.server())
            let sent = await #expect(throws: CloudError.self) {
                try await lab.desk(of: host, for: other).receive(
                    Self.image, size: 1, from: 0, Pattern(1).bytes)
            }
            let fetched = await #expect(throws: CloudError.self) {
                try await Self.fetch(lab, from: host, by: server)
            }
            #expect(sent?.code == .forbidden && fetched?.code == .forbidden)
            #expect(host.figure("strettch_link_refused_total", "forbidden") == 2)
            #expect(desk.asked == [])
        }
    }

    @Test("where there is no way, the reason and the remedy are said without a try")
    func noWay() async throws {
        try await LinkLab.with { lab in
            let server = try await lab.server()
            let mute = LinkProgram(identity: try LinkIdentity(), host: try await lab.own("mute"), desk: nil)
            func reason(_ hostId: Int64, _ program: LinkProgram) async throws -> String {
                let error = await #expect(throws: CloudError.self) {
                    _ = try await lab.table(program).desk(of: hostId)
                }
                #expect(error?.code == .serviceUnavailable)
                return error?.message ?? ""
            }
            let muteId = try #require(mute.host?.id)
            #expect(try await reason(muteId, server).contains("'mute' can't be reached"))
            #expect(try await reason(99, server).contains("not in the cell any more"))
            lab.clock.advance(milliseconds: HostHeartbeat.downAfterMs + 1)
            #expect(try await reason(muteId, server).contains("Nobody has heard of the host 'mute'"))
            let alone = LinkTable(
                database: lab.database, clock: lab.clock, own: { nil }, desk: nil, identity: nil)
            let error = await #expect(throws: CloudError.self) { _ = try await alone.desk(of: muteId) }
            #expect(error?.message.contains("no way there") == true)
        }
    }

    @Test("a host that does not answer is named, after one more try by what the database says then")
    func unreachable() async throws {
        try await LinkLab.with { lab in
            let (server, desk) = (try await lab.server(), FakeDesk())
            let host = try await lab.host("host-1", desk)
            let right = try #require(host.address.value)
            // Nobody listens on port 1.
            let wrong = IPv4Endpoint(address: right.address, port: 1)
            let name: @Sendable (IPv4Endpoint) async throws -> Void = { address in
                try await lab.change { sql in
                    try sql.execute(
                        "UPDATE links SET address = $1 WHERE host_id IS NOT NULL", [address.description])
                }
            }
            try await name(wrong)
            let error = await #expect(throws: CloudError.self) {
                try await lab.table(server).hello(host.host?.id ?? 0)
            }
            #expect(
                error?.code == .serviceUnavailable
                    && error?.message.contains("'host-1' does not answer") == true)
            #expect(error?.message.contains(wrong.description) == true)

            let looks = Tally()
            let (database, id) = (lab.database, host.host?.id ?? 0)
            let now = lab.clock.nowMs
            let dialer = LinkDialer(server.identity, lab.limits, server.metrics)
            let (connection, way) = try await dialer.connect {
                let way = try await database.read { sql in try LinkWay.find(id, sql, nowMs: now) }
                looks.add(1)
                try await name(right)
                return way
            }
            #expect(looks.count == 2 && way.address == right)
            connection.close()
        }
    }
}
