import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Totals of lists")
struct TotalTests {
    static let regions = ["KGL-1", "KGL-2"]
    static let tags = ["a", "b", "c"]

    @Test("count what a look at all rows counts, whatever happens to computes", arguments: 0..<6)
    func random(_ seed: UInt64) async throws {
        try await Engine.standard.withDatabase { database in
            let teams = try await database.write(.createTeam) { sql in
                try ["10.0.0.0/22", "10.0.4.0/22"].map {
                    try sql.teams.insert(name: $0, network: network($0), nowMs: 1)
                }
            }
            for step in 0..<40 {
                try await database.write(.changeCompute) { sql in
                    var random = SeededGenerator(seed: seed * 1000 + UInt64(step))
                    for _ in 0..<3 { try Self.change(sql, teams, &random) }
                }
                try await database.read { sql in
                    for team in teams { try Self.compare(sql, teamId: team) }
                    #expect(try sql.audit.totalsAmiss() == [])
                }
            }
        }
    }

    @Test("a tag that nobody has any more leaves no row")
    func forgotten() async throws {
        try await Engine.standard.withDatabase { database in
            try await database.write(.createTeam) { sql in
                let team = try sql.teams.insert(name: "a", network: network("10.0.0.0/22"), nowMs: 1)
                let (one, two) = (try Self.insert(sql, team, ["a"]), try Self.insert(sql, team, ["a", "b"]))
                for id in [one, two] { try Self.set(sql, id, .running) }
                try sql.computes.set(two, hostName: "h", tags: ["c"], deletionProtection: false, nowMs: 3)
                #expect(try Self.tagsCounted(sql) == ["a", "c"])
                try Self.set(sql, two, .destroyed)
                #expect(try Self.tagsCounted(sql) == ["a"])
            }
        }
    }

    @Test("a database of an earlier version gets the totals of its rows")
    func upgraded() async throws {
        guard Engine.standard == .sqlite else { return }
        try await withTemporaryFolder { folder in
            try OldDatabase(version: 13).make("\(folder)/db")
            let database = try SQLiteDatabase(path: "\(folder)/db")
            let (all, web, amiss) = try await database.read { sql in
                (
                    try sql.computes.count(teamId: 1),
                    try sql.computes.count(teamId: 1, filter: ComputeFilter(tags: ["web"])),
                    try sql.audit.totalsAmiss()
                )
            }
            #expect(all == 3 && web == 1 && amiss == [])
        }
    }

    @Test("a total that is too large shows nothing of another team's")
    func tooLarge() async throws {
        try await Engine.standard.withDatabase { database in
            try await database.write(.createTeam) { sql in
                let teams = try ["10.0.0.0/22", "10.0.4.0/22"].map {
                    try sql.teams.insert(name: $0, network: network($0), nowMs: 1)
                }
                for number in 0..<20 { _ = try Self.insert(sql, teams[number % 2], []) }
                try sql.execute("UPDATE compute_totals SET n = n + 1")
                for team in teams {
                    let shown = try stride(from: 0, to: 20, by: 5).flatMap {
                        try sql.computes.page(teamId: team, offset: $0, limit: 5).computes
                    }
                    #expect(shown.count >= 10 && shown.allSatisfy { $0.teamId == team })
                }
            }
        }
    }

    // MARK: One change, one look

    private static func change(
        _ sql: any SQLConnection, _ teams: [Int64], _ random: inout SeededGenerator
    ) throws {
        let ids = try sql.query("SELECT id FROM computes WHERE state <> 'DESTROYED' ORDER BY id").map {
            try $0.int("id")
        }
        let chosen = tags.filter { _ in random.below(2) == 0 }
        guard !ids.isEmpty, random.below(3) > 0 else {
            _ = try insert(sql, teams[random.below(teams.count)], chosen, in: regions[random.below(2)])
            return
        }
        let id = ids[random.below(ids.count)]
        switch random.below(3) {
        case 0:
            try sql.computes.set(id, hostName: "h", tags: chosen, deletionProtection: false, nowMs: 2)
        default:
            let state = ComputeState.allCases[random.below(ComputeState.allCases.count)]
            try set(sql, id, state)
        }
    }

    private static func set(_ sql: any SQLConnection, _ id: Int64, _ state: ComputeState) throws {
        if state == .destroyed {
            try sql.execute("UPDATE computes SET private_ipv4 = NULL WHERE id = $1", [id])
        }
        try sql.setState(id, state: state, intent: .running, nowMs: 2)
    }

    private static func insert(
        _ sql: any SQLConnection, _ teamId: Int64, _ tags: [String], in region: String = regions[0]
    ) throws -> Int64 {
        let address =
            1 + (try sql.query("SELECT COALESCE(MAX(private_ipv4), 1) AS n FROM computes")[0].int("n"))
        let hostId = try sql.makeHost()
        let id = try sql.insertCompute(
            NewCompute(
                teamId: teamId, hostId: hostId, hostName: "h", image: "TINY-1",
                specification: Specification(
                    id: "s", specification: "S-1C", vcpus: 1, memoryMb: 512, storageGb: 10,
                    priceMonthMilliRwf: 0),
                region: region, publicKeys: [], tags: tags, privateIpv4: IPv4Address(UInt32(address)),
                publicIpv4: nil, sshPort: nil),
            nowMs: 1)
        try sql.jobs.insert(id, .compute, ComputeAction.create, machineId: id, hostId: hostId, nowMs: 1)
        return id
    }

    private static func compare(_ sql: any SQLConnection, teamId: Int64) throws {
        var tagsOf: [Int64: Set<String>] = [:]
        for row in try sql.query("SELECT resource_id, tag FROM resource_tags") {
            tagsOf[try row.int("resource_id"), default: []].insert(try row.text("tag"))
        }
        let computes = try sql.query(
            "SELECT id, state, region FROM computes WHERE team_id = $1 AND state <> 'DESTROYED' ORDER BY id DESC",
            [teamId]
        ).map { row in
            let id = try row.int("id")
            return (try row.text("state"), try row.text("region"), tagsOf[id] ?? [], id)
        }
        for state in [nil] + ComputeState.allCases.map(Optional.init) {
            for region in [nil, regions[0], regions[1]] {
                for tags in [[], ["a"], ["b"], ["nobody"], ["a", "b"]] {
                    let passing = computes.filter { own in
                        (state == nil || state?.rawValue == own.0) && (region == nil || region == own.1)
                            && own.2.isSuperset(of: tags)
                    }.map(\.3)
                    let filter = ComputeFilter(state: state, tags: tags, region: region)
                    let count = try sql.computes.count(teamId: teamId, filter: filter)
                    #expect(count == passing.count, "\(filter)")
                    let all = try sql.computes.list(teamId: teamId, filter: filter, limit: 100).map(\.id)
                    #expect(all == passing, "\(filter)")
                    try comparePages(sql, teamId, filter, passing)
                }
            }
        }
    }

    /// Pages of two, from the first to one past the last.
    private static func comparePages(
        _ sql: any SQLConnection, _ teamId: Int64, _ filter: ComputeFilter, _ passing: [Int64]
    ) throws {
        for offset in stride(from: 0, through: passing.count + 1, by: 2) {
            let page = try sql.computes.page(teamId: teamId, filter: filter, offset: offset, limit: 2)
            #expect(
                page.computes.map(\.id) == Array(passing.dropFirst(offset).prefix(2)), "\(filter) \(offset)")
            #expect(page.total == passing.count)
        }
    }

    private static func tagsCounted(_ sql: any SQLConnection) throws -> [String] {
        try sql.query("SELECT DISTINCT tag FROM compute_totals WHERE tag <> '' ORDER BY tag").map {
            try $0.text("tag")
        }
    }
}

private func network(_ text: String) throws -> IPv4Network { try #require(IPv4Network(text)) }
