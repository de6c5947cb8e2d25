import CloudCore
import CloudTesting
import GRDB
import Testing

@testable import CloudDatabase

@Suite("Lists of computes in the database")
struct ListQueryTests {
    @Test("an older database gets the tags of its computes, but not of those that are DESTROYED")
    func migration() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            try OldDatabase(version: 7).make(path)
            try await DatabaseQueue(path: path).write { db in
                try db.execute(
                    sql: """
                        UPDATE computes SET tags = '["web","a/b"]';
                        UPDATE computes SET state = 'DESTROYED', private_ipv4 = NULL WHERE id = 2;
                        """)
            }
            let new = try SQLiteDatabase(path: path)
            let found = try await new.read { sql in
                try sql.computes.list(
                    teamId: 1, filter: ComputeFilter(tags: ["a/b", "web"]), limit: 10
                ).map(\.id)
            }
            #expect(found == [3, 1])
        }
    }

    static let plans: [(filter: ComputeFilter, index: String)] = [
        (ComputeFilter(), "computes_live_by_team"), (ComputeFilter(state: .failed), "computes_by_state"),
        (ComputeFilter(hostName: "web"), "computes_live_by_name"),
        (ComputeFilter(tags: ["web"]), "resource_tags"),
        (ComputeFilter(state: .stopped, tags: ["web"]), "COVERING INDEX resource_tags_by_state"),
        (ComputeFilter(region: "KGL-1"), "COVERING INDEX computes_live_by_team"),
        (ComputeFilter(state: .running, tags: ["web", "live"], hostName: "a"), "resource_tags"),
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

    @Test(
        "a page by number passes over those before it along the index, from either end", arguments: [0, 90])
    func pagePlan(_ offset: Int) async throws {
        try await withTemporaryFolder { folder in
            let database = try SQLiteDatabase(path: "\(folder)/db")
            let lines = try await database.read { sql in
                let explaining = ExplainingConnection(sql: sql, counted: 100)
                _ = try ComputeQueries(sql: explaining).page(teamId: 1, offset: offset, limit: 5)
                return explaining.plan.lines
            }
            let walk = offset == 0 ? "team_id<?" : "team_id>?"
            #expect(
                lines.contains("SEARCH c USING COVERING INDEX computes_live_by_team (\(walk))"), "\(lines)")
            #expect(lines.contains("SEARCH c USING INTEGER PRIMARY KEY (rowid=?)"), "\(lines)")
            #expect(!lines.contains { $0.contains("TEMP B-TREE") || $0.contains("SCAN") }, "\(lines)")
        }
    }
}

/// Asks for the plan in place of the rows.
private struct ExplainingConnection: SQLConnection {
    final class Plan { var lines: [String] = [] }

    let sql: any SQLConnection
    /// What each count comes to.
    var counted: Int64 = 0
    let plan = Plan()

    var dialect: Dialect { sql.dialect }

    func query(_ text: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        plan.lines += try sql.query("EXPLAIN QUERY PLAN \(text)", arguments).map { try $0.text("detail") }
        return text.contains("AS n") ? [SQLRow(["n": .int(counted)])] : []
    }

    func execute(_ text: String, _ arguments: [any SQLArgument]) throws -> Int { 0 }

    func tell(_ tiding: Tiding) {}
}
