import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("The ledger")
struct LedgerTests {
    @Test("is a chain whose last balance is the wallet's")
    func chain() async throws {
        try await withTeam { database, team in
            try await credit(database, team, 1000, "a")
            try await credit(database, team, 500, "b")
            let entries = try await database.read { sql in
                try sql.ledger.list(teamId: team, limit: 9, offset: 0)
            }
            #expect(entries.map(\.number) == [2, 1])
            #expect(entries.map(\.balanceMilliRwf) == [1500, 1000])
            let wallet = try await database.read { sql in try sql.wallets.get(team) }
            #expect(wallet.balanceMilliRwf == 1500)
        }
    }

    static let forgeries = [
        "DELETE FROM ledger WHERE number = 1", "DELETE FROM ledger WHERE number = 2",
        "UPDATE ledger SET amount_milli_rwf = 1 WHERE number = 1",
        "UPDATE ledger SET amount_milli_rwf = 1, balance_milli_rwf = 1 WHERE number = 1",
        "UPDATE ledger SET amount_milli_rwf = 1, balance_milli_rwf = 1001 WHERE number = 2",
        "UPDATE ledger SET previous_number = NULL, previous_balance_milli_rwf = NULL WHERE number = 2",
        "UPDATE wallets SET balance_milli_rwf = balance_milli_rwf + 1",
        "UPDATE wallets SET balance_milli_rwf = 0", "UPDATE wallets SET last_number = NULL",
        """
        INSERT INTO ledger (team_id, number, at_ms, kind, reference, amount_milli_rwf, balance_milli_rwf)
        VALUES (1, 3, 1, 'CREDIT', 'x', 5, 5)
        """,
        """
        INSERT INTO ledger (
            team_id, number, at_ms, kind, reference, previous_number, previous_balance_milli_rwf,
            amount_milli_rwf, balance_milli_rwf
        ) VALUES (1, 3, 1, 'CREDIT', 'x', 2, 1600, 5, 1605)
        """,
        """
        INSERT INTO ledger (
            team_id, number, at_ms, kind, reference, previous_number, previous_balance_milli_rwf,
            amount_milli_rwf, balance_milli_rwf
        ) VALUES (1, 3, 1, 'CREDIT', 'b', 2, 1500, 5, 1505)
        """,
    ]

    @Test("is kept by the engine: no entry is changed, removed or doubled", arguments: forgeries)
    func forgery(_ statement: String) async throws {
        try await withTeam { database, team in
            try await credit(database, team, 1000, "a")
            try await credit(database, team, 500, "b")
            await #expect(throws: CloudError.self) {
                try await database.write { sql in _ = try sql.execute(statement) }
            }
        }
    }

    @Test("takes an honest third entry, so that what is refused above is refused for its fault")
    func honest() async throws {
        try await withTeam { database, team in
            for (amount, reference) in [(1000, "a"), (500, "b"), (5, "c")] {
                try await credit(database, team, Int64(amount), reference)
            }
            let wallet = try await database.read { sql in try sql.wallets.get(team) }
            #expect(wallet.balanceMilliRwf == 1505)
        }
    }

    @Test("debits the same charge of a compute once")
    func once() async throws {
        try await withTeam { database, team in
            let debits = try await database.write { sql in
                let compute = try sql.insertCompute(
                    NewCompute(
                        teamId: team, hostId: try sql.makeHost(), hostName: "h", image: "i",
                        specification: Catalogue.test.specifications[0], region: "r", publicKeys: ["k"],
                        tags: [], privateIpv4: IPv4Address(5), publicIpv4: nil, sshPort: nil), nowMs: 1)
                let charge = Charge(kind: .computeHours, reference: "2024-01-15", amountMilliRwf: 7)
                return try (0..<2).map { _ in
                    try sql.ledger.debit(charge, resourceId: compute, teamId: team, nowMs: 1)
                }
            }
            #expect(debits == [true, false])
            let wallet = try await database.read { sql in try sql.wallets.get(team) }
            #expect(wallet.balanceMilliRwf == -7)
        }
    }

    @Test("computes from before there were prices have a meter that is free so far")
    func migration() async throws {
        try await withTeam { database, team in
            try await database.write { sql in
                for state in [ComputeState.creating, .running, .failed] {
                    let host = try sql.makeHost()
                    let id = try sql.insertCompute(
                        NewCompute(
                            teamId: team, hostId: host, hostName: "h", image: "i",
                            specification: Catalogue.test.specifications[0], region: "r", publicKeys: ["k"],
                            tags: [], privateIpv4: IPv4Address(UInt32(5 + state.rawValue.count)),
                            publicIpv4: nil, sshPort: nil), nowMs: 1)
                    try sql.jobs.insert(
                        id, .compute, ComputeAction.create, machineId: id, hostId: host, nowMs: 1)
                    try sql.setState(id, state: state, intent: .running, nowMs: 2)
                }
                for table in ["wallets", "ledger", "meter_prices", "meters"] {
                    try sql.execute("DROP TABLE \(table)")
                }
                for statement in Migrations.schema6(sql.dialect) { try sql.execute(statement) }
                for table in ["ledger", "meter_prices", "meters"] {
                    try sql.execute("ALTER TABLE \(table) RENAME COLUMN compute_id TO resource_id")
                }
                try sql.execute("ALTER TABLE meters ADD COLUMN kind TEXT NOT NULL DEFAULT 'compute'")
                let meters = try sql.meters.unsettled(teamId: team)
                #expect(meters.map(\.meter.isRunning) == [false, true])
                #expect(meters.map { $0.meter.cost(atMs: UTCDay.milliseconds) } == [0, 0])
                _ = try sql.wallets.get(team)
            }
        }
    }

    private func credit(
        _ database: any Database, _ team: Int64, _ milliRwf: Int64, _ reference: String
    ) async throws {
        try await database.write { sql in
            try sql.ledger.append(
                teamId: team, kind: .credit, resourceId: nil, reference: reference, amountMilliRwf: milliRwf,
                nowMs: 1)
        }
    }

    private func withTeam(_ body: (any Database, Int64) async throws -> Void) async throws {
        try await Engine.standard.withDatabase { database in
            let network = try #require(IPv4Network("10.0.0.0/22"))
            let team = try await database.write { sql in
                try sql.teams.insert(name: "a", network: network, nowMs: 1)
            }
            try await body(database, team)
        }
    }
}
