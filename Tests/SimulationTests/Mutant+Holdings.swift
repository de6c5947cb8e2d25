import CloudAudit
import CloudDatabase
import CloudSimulation

extension Mutant {
    /// Bugs in what computes hold of the cell.
    static let ofHoldings: [Mutant] = [
        Mutant(
            "gives out an address that is taken", breaks: Invariant.heldOnce,
            Sabotage(
                connection: {
                    RewritingConnection(database: $0, context: $1) { statement in
                        guard statement.has("UPDATE addresses SET holder_id = $1") else { return .none }
                        return .replace(
                            statement.text.replacing("AND holder_id IS NULL ", with: ""), statement.arguments)
                    }
                },
                schema: withoutUniqueAddresses)),
        Mutant(
            "gives out a public address of somebody else's", breaks: Invariant.heldInRange,
            .sql { statement in
                guard statement.has("INSERT INTO computes"), let address = statement.int(15) else {
                    return .none
                }
                return statement.with([15: address + 64])
            }),
        Mutant(
            "gives the neighbour's address back too", breaks: Invariant.holdsItsAddress,
            .sql { statement in
                guard statement.has("SET private_ipv4 = NULL") else { return .none }
                return .replace(
                    statement.text.replacing("WHERE id = $1", with: "WHERE id BETWEEN $1 - 1 AND $1 + 1"),
                    statement.arguments)
            }),
        Mutant(
            "forgets to give back the address of a create that failed", breaks: Invariant.goneHoldsNothing,
            .sql { statement in
                guard statement.has("SET private_ipv4 = NULL") else { return .none }
                return .replace("\(statement.text) AND state <> 'FAILED'", statement.arguments)
            }),
        Mutant(
            "does not note that an address is given back", breaks: Invariant.addressesNameTheirHolders,
            .skipping("UPDATE addresses SET holder_id = NULL")),
        Mutant(
            "gives two teams one network", breaks: Invariant.teamsAreApart,
            Sabotage(
                connection: {
                    RewritingConnection(database: $0, context: $1) {
                        $0.has("SELECT network_base, network_prefix FROM teams") ? .answer([]) : .none
                    }
                },
                schema: { try $0.execute("DROP INDEX teams_by_network") })),
        Mutant(
            "leaves a deleted team its keys", breaks: Invariant.deletedTeamHoldsNothing,
            .skipping("UPDATE api_keys SET revoked_at_ms")),
    ]

    /// Makes the table of computes anew without what keeps an address from being held twice.
    @Sendable
    private static func withoutUniqueAddresses(_ sql: any SQLConnection) throws {
        let statements = try sql.query(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'computes' AND sql IS NOT NULL ORDER BY type DESC"
        ).map { try $0.text("sql") }
        try sql.execute("DROP TABLE computes")
        for statement in statements { try sql.execute(statement.replacing("BIGINT UNIQUE", with: "BIGINT")) }
    }
}
