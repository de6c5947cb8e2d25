import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// Meters, the ledger and the wallets.
    func moneyFindings(_ catalogue: Catalogue, _ settings: AuditSettings) -> [AuditFinding] {
        meterFindings + openMeters.compactMap { $0.priceFinding(catalogue, settings) } + ledgerFindings
            + walletFindings
    }

    private var meterFindings: [AuditFinding] {
        withoutMeter.map {
            AuditFinding(
                .meterFollowsState, computeId: $0,
                "resource \($0) has no meter, so it costs nothing. Restore the row from a backup.")
        }
            + metersAmiss.map {
                AuditFinding(
                    .meterFollowsState, computeId: $0.resourceId,
                    "the meter of \($0.name), which is \($0.state), \($0.meter.inWords)"
                        + "\($0.isSettled ? " and is said to be settled" : ""). Correct the wallet with a credit or "
                        + "correction, and restore the row from a backup.")
            }
    }

    private var ledgerFindings: [AuditFinding] {
        debitsAmiss.map {
            AuditFinding(
                .ledgerIsItsRecomputation, computeId: $0.resourceId,
                "the ledger has \($0.debited.inWords) of \($0.kind.rawValue) of \($0.name), and its meter "
                    + "says \($0.due.inWords). Correct the wallet by the difference.")
        }
    }

    private var walletFindings: [AuditFinding] {
        walletsAmiss.map { wallet in
            let balance = wallet.balanceMilliRwf.map { "\(Money.text($0)) \(Money.currency)" } ?? "no wallet"
            return AuditFinding(
                .walletIsItsLedger,
                "the wallet of team \(wallet.teamId) says \(balance) after \(wallet.lastNumber) entries, and its "
                    + "ledger \(Money.text(wallet.totalMilliRwf)) \(Money.currency) in \(wallet.entries) entries up to "
                    + "number \(wallet.highestNumber). Restore both from a backup.")
        }
            + brokenChain.map {
                AuditFinding(
                    .walletIsItsLedger,
                    "entry \($0.number) of the ledger of team \($0.teamId) does not go on where the one before it "
                        + "ended. Restore the ledger from a backup.")
            }
    }
}

extension AuditedMeter {
    /// Whether it runs, has ended or waits as its resource's state wants it.
    var followsState: Bool {
        let fits =
            switch phase {
            case .notYet: meter.isOpen && meter.beganAtMs == nil
            case .billed: meter.isRunning
            case .over: !meter.isOpen
            }
        return fits && isSettled == meter.isSettled
    }

    /// The charges that the meter leads to up to where it is debited, against those in the ledger; `nil`: the same.
    func debitsAmiss(_ debited: [LedgerKind: DebitTotal]) -> AuditSnapshot.Debits? {
        let fresh = Meter(
            of: meter.hours, beganAtMs: meter.beganAtMs, endedAtMs: meter.endedAtMs, prices: meter.prices)
        let charges = Dictionary(grouping: fresh.charges(untilMs: meter.debitedToMs), by: \.kind)
        let due = charges.compactMapValues { DebitTotal($0) }
        guard let kind = LedgerKind.allCases.first(where: { due[$0] != debited[$0] }) else { return nil }
        return AuditSnapshot.Debits(
            resourceId: resourceId, name: name, kind: kind, debited: debited[kind], due: due[kind])
    }

    fileprivate func priceFinding(_ catalogue: Catalogue, _ settings: AuditSettings) -> AuditFinding? {
        // A specification that the catalogue no longer has keeps its price.
        let wanted = settings.isBilled ? basis.price(catalogue) : .free
        guard let wanted, wanted != meter.price else { return nil }
        return AuditFinding(
            .priceIsTheCatalogues, computeId: resourceId,
            "\(name) costs \(Money.text(meter.price.hourMilliRwf)) \(Money.currency) an "
                + "hour and \(Money.text(meter.price.ipMonthMilliRwf)) a month for its address, and the catalogue says "
                + "\(Money.text(wanted.hourMilliRwf)) and \(Money.text(wanted.ipMonthMilliRwf)). Restart the server."
        )
    }
}

extension DebitTotal {
    /// `nil` of no charges.
    fileprivate init?(_ charges: [Charge]) {
        let references = charges.map(\.reference)
        guard let first = references.min(), let last = references.max() else { return nil }
        self.init(
            count: charges.count, amountMilliRwf: charges.reduce(0) { $0 + $1.amountMilliRwf }, first: first,
            last: last)
    }
}

extension DebitTotal? {
    fileprivate var inWords: String {
        guard let self else { return "nothing" }
        return
            "\(Money.text(self.amountMilliRwf)) \(Money.currency) in \(self.count) entries (\(self.first) to \(self.last))"
    }
}

extension Meter {
    fileprivate var inWords: String {
        switch (beganAtMs, endedAtMs) {
        case (nil, nil): "has not begun"
        case (_, nil): "runs"
        case (_, _): "has ended"
        }
    }
}
