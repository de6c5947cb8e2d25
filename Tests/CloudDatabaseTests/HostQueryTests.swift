import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("What is kept of the host")
struct HostQueryTests {
    @Test("an event of no team is the cell's own: no compute's, and by nobody but the system")
    func eventsOfTheCell() async throws {
        try await Engine.standard.withDatabase { database in
            try await database.write { sql in
                try sql.events.append(
                    Event(resourceId: nil, teamId: nil, kind: "host.test", actor: .system), nowMs: 1)
            }
            await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    try sql.events.append(
                        Event(resourceId: nil, teamId: nil, kind: "host.test", actor: .operator), nowMs: 1)
                }
            }
            let events = try await database.read { sql in
                try sql.query("SELECT * FROM events").map { try EventQueries.event($0) }
            }
            #expect(events.map(\.teamId) == [nil])
        }
    }

    @Test("the boot is the last that was set, and an orphan keeps the time of its first sight, on each host")
    func rows() async throws {
        try await Engine.standard.withDatabase { database in
            try await database.write { sql in
                let (host, other) = (try sql.makeHost("a"), try sql.makeHost("b"))
                #expect(try sql.hosts.bootId(host) == nil)
                for boot in ["a", "b"] { try sql.hosts.set(host, bootId: boot) }
                #expect(try sql.hosts.bootId(host) == "b")
                #expect(try sql.hosts.bootId(other) == nil)
                try sql.hosts.insertOrphan(9, hostId: host, nowMs: 5)
                try sql.hosts.insertOrphan(9, hostId: other, nowMs: 6)
                #expect(try sql.hosts.orphans(host) == [9: 5])
                try sql.hosts.removeOrphan(9, hostId: host)
                #expect(try sql.hosts.orphans(host) == [:])
                #expect(try sql.hosts.orphans(other) == [9: 6])
            }
        }
    }
}
