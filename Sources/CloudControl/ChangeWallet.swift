import CloudCore
import CloudDatabase

/// Puts money into a team's wallet. For the operator, not for callers of the API. The same reference again changes
/// nothing.
public struct TopUp: Sendable {
    public var teamId: Int64
    /// More than 0.
    public var amountMilliRwf: Int64
    /// What the payment is known by, 1 to 64 characters.
    public var reference: String

    public init(teamId: Int64, amountMilliRwf: Int64, reference: String) {
        self.teamId = teamId
        self.amountMilliRwf = amountMilliRwf
        self.reference = reference
    }

    /// The entry of the ledger. Throws `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND` for the team, and `CONFLICT` when the
    /// reference was used for another amount.
    public func run(in cloud: Cloud) async throws -> LedgerEntry {
        guard amountMilliRwf > 0 else {
            throw CloudError.invalid([
                Problem("amount", "\(Money.text(amountMilliRwf)) is not above 0. Give what was paid.")
            ])
        }
        return try await OperatorEntry(
            teamId: teamId, kind: .credit, amountMilliRwf: amountMilliRwf, reference: reference
        ).run(in: cloud)
    }
}

/// Puts a balance right, in either direction. For the operator, not for callers of the API. The same reference again
/// changes nothing.
public struct CorrectWallet: Sendable {
    public var teamId: Int64
    /// Not 0.
    public var amountMilliRwf: Int64
    /// Why, in 1 to 64 characters.
    public var reference: String

    public init(teamId: Int64, amountMilliRwf: Int64, reference: String) {
        self.teamId = teamId
        self.amountMilliRwf = amountMilliRwf
        self.reference = reference
    }

    /// As `TopUp`.
    public func run(in cloud: Cloud) async throws -> LedgerEntry {
        guard amountMilliRwf != 0 else {
            throw CloudError.invalid([Problem("amount", "0.000 corrects nothing. Give the difference.")])
        }
        return try await OperatorEntry(
            teamId: teamId, kind: .correction, amountMilliRwf: amountMilliRwf, reference: reference
        ).run(in: cloud)
    }
}

/// What both do.
private struct OperatorEntry: Sendable {
    var teamId: Int64
    var kind: LedgerKind
    var amountMilliRwf: Int64
    var reference: String

    func run(in cloud: Cloud) async throws -> LedgerEntry {
        guard (1...64).contains(reference.unicodeScalars.count) else {
            throw CloudError.invalid([
                Problem(
                    "reference", "'\(reference.shown)' has not 1 to 64 characters. Shorten it, or give one.")
            ])
        }
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.changeWallet) { sql in try append(sql, nowMs: now) }
    }

    private func append(_ sql: any SQLConnection, nowMs: Int64) throws -> LedgerEntry {
        let wallet = try sql.wallets.lock(teamId)
        if let known = try sql.ledger.get(teamId: teamId, kind: kind, reference: reference) {
            guard known.amountMilliRwf == amountMilliRwf else { throw usedOtherwise(known) }
            return known
        }
        guard amountMilliRwf.magnitude <= Money.most,
            wallet.balanceMilliRwf <= Money.most - max(0, amountMilliRwf)
        else { throw tooMuch(wallet) }
        try sql.ledger.append(
            teamId: teamId, kind: kind, resourceId: nil, reference: reference, amountMilliRwf: amountMilliRwf,
            nowMs: nowMs)
        try sql.events.append(
            Event(
                resourceId: nil, teamId: teamId,
                kind: kind == .credit ? "wallet.credited" : "wallet.corrected",
                detail: "\(Money.text(amountMilliRwf)) \(Money.currency), \(reference)", actor: .operator),
            nowMs: nowMs)
        try resume(sql, nowMs: nowMs)
        guard let entry = try sql.ledger.get(teamId: teamId, kind: kind, reference: reference) else {
            throw CloudError.bug("the entry \(reference) of team \(teamId) vanished")
        }
        return entry
    }

    /// A team that has money again is active again at once, unless it was terminated.
    private func resume(_ sql: any SQLConnection, nowMs: Int64) throws {
        let wallet = try sql.wallets.get(teamId)
        guard wallet.balanceMilliRwf > 0 else { return }
        switch wallet.standingByBalance {
        case .active, .terminated: return
        case .pastDue, .suspended: break
        }
        try sql.wallets.setStanding(teamId: teamId, .active, nowMs: nowMs)
        try sql.events.append(
            Event(resourceId: nil, teamId: teamId, kind: "team.resumed", actor: .operator), nowMs: nowMs)
    }

    private func usedOtherwise(_ known: LedgerEntry) -> CloudError {
        CloudError(
            .conflict,
            "The reference '\(reference.shown)' was used for \(Money.text(known.amountMilliRwf)) RWF, not for "
                + "\(Money.text(amountMilliRwf)) RWF. Give another reference.",
            problems: [Problem("reference", "was used for another amount.")])
    }

    private func tooMuch(_ wallet: Wallet) -> CloudError {
        CloudError(
            .unprocessableEntity,
            "\(Money.text(amountMilliRwf)) RWF would make the balance of \(Money.text(wallet.balanceMilliRwf)) RWF larger "
                + "than \(Money.text(Money.most)) RWF. Give less.",
            problems: [Problem("amount", "is too large.")])
    }
}
