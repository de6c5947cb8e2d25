import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Lists of computes in the database")
struct ListQueryTests {
    @Test("an older database gets the tags of its computes, but not of those that are DESTROYED")
    func migration() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            let old = try SQLiteDatabase(path: path)
            let ids = try await old.write { sql in
                let ids = try (0..<3).map {
                    try sql.makeTeamAndCompute(tags: ["web", "a/b"], privateIpv4: 0x0A00_0005 + $0).1
                }
                try sql.computes.releaseAddresses(ids[1])
                try sql.computes.set(ids[1], state: .destroyed, intent: .destroyed, nowMs: 2)
                for table in ["compute_tags", "host", "orphans"] { try sql.execute("DROP TABLE \(table)") }
                for index in ["computes_live_by_team", "computes_by_state", "computes_live_by_name"] {
                    try sql.execute("DROP INDEX \(index)")
                }
                try sql.execute("DROP VIEW visible_events")
                try sql.execute("DELETE FROM schema_version WHERE version >= 8")
                return ids
            }
            let new = try SQLiteDatabase(path: path)
            let found = try await new.read { sql in
                try sql.computes.list(
                    teamId: 1, filter: ComputeFilter(tags: ["a/b", "web"]), limit: 10
                ).map(\.id)
            }
            #expect(found == [ids[2], ids[0]])
        }
    }

    static let plans: [(filter: ComputeFilter, index: String)] = [
        (ComputeFilter(), "computes_live_by_team"), (ComputeFilter(state: .failed), "computes_by_state"),
        (ComputeFilter(hostName: "web"), "computes_live_by_name"),
        (ComputeFilter(tags: ["web"]), "compute_tags"),
        (ComputeFilter(region: "KGL-1"), "COVERING INDEX computes_live_by_team"),
        (ComputeFilter(state: .running, tags: ["web", "live"], hostName: "a"), "compute_tags"),
    ]

    @Test("no list looks at all computes, nor sorts more than it shows", arguments: plans)
    func plan(_ filter: ComputeFilter, index: String) async throws {
        try await withTemporaryFolder { folder in
            let database = try SQLiteDatabase(path: "\(folder)/db")
            let (list, count) = try await database.read { sql in
                let explaining = ExplainingConnection(sql: sql)
                _ = try ComputeQueries(sql: explaining).list(teamId: 1, filter: filter, limit: 20)
                let list = explaining.plan.lines
                _ = try ComputeQueries(sql: explaining).count(teamId: 1, filter: filter)
                return (list, explaining.plan.lines.dropFirst(list.count).joined(separator: "\n"))
            }
            let text = list.joined(separator: "\n")
            #expect(text.contains(index), "\(text)")
            for plan in [text, count] {
                #expect(plan.contains(" INDEX ") && !plan.contains("SCAN c"), "\(plan)")
            }
            // The one that is allowed is outside, of a page's worth of ids.
            #expect(list.count { $0.contains("TEMP B-TREE") } <= 1, "\(text)")
        }
    }
}

/// Asks for the plan in place of the rows.
private struct ExplainingConnection: SQLConnection {
    final class Plan { var lines: [String] = [] }

    let sql: any SQLConnection
    let plan = Plan()

    var dialect: Dialect { sql.dialect }

    func query(_ text: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        plan.lines += try sql.query("EXPLAIN QUERY PLAN \(text)", arguments).map { try $0.text("detail") }
        return text.contains("COUNT(*)") ? [SQLRow(values: ["n": .int(0)])] : []
    }

    func execute(_ text: String, _ arguments: [any SQLArgument]) throws -> Int { 0 }
}
