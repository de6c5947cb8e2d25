import CloudAudit
import CloudDatabase
import CloudSimulation
import Synchronization

extension Mutant {
    /// Bugs in the money.
    static let ofMoney: [Mutant] = [
        Mutant(
            "does not begin a meter", breaks: Invariant.meterFollowsState,
            .sql {
                $0.has("UPDATE meters SET began_at_ms") && $0.context.write == .saveConfirm ? .skip() : .none
            }),
        Mutant(
            "charges another price than the catalogue's", breaks: Invariant.priceIsTheCatalogues,
            .sql { statement in
                guard statement.has("INSERT INTO meter_prices"), let price = statement.int(3) else {
                    return .none
                }
                return statement.with([3: price + 1])
            }),
        Mutant(
            "charges twice", breaks: Invariant.ledgerIsItsRecomputation, chargingTwice),
        Mutant(
            "does not move the balance", breaks: Invariant.walletIsItsLedger,
            .skipping("UPDATE wallets SET last_number")),
    ]

    /// Each debit has twice the amount, and the wallet follows.
    private static var chargingTwice: Sabotage {
        .sql { statement in
            if statement.has("INSERT INTO ledger"), let amount = statement.int(9), amount < 0,
                let balance = statement.int(10)
            {
                return statement.with([9: 2 * amount, 10: balance + amount])
            }
            if statement.has("UPDATE wallets SET last_number"), let team = statement.int(1),
                let number = statement.int(2)
            {
                let entry = try statement.database.query(
                    "SELECT balance_milli_rwf FROM ledger WHERE team_id = $1 AND number = $2", [team, number])[
                        0]
                return statement.with([3: try entry.int("balance_milli_rwf")])
            }
            return .none
        }
    }
}
