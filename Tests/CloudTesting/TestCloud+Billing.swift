import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudWorker

extension CloudSettings {
    /// The same small cell, and it bills: PAST_DUE for one day, SUSPENDED for two.
    public static var billed: CloudSettings {
        var settings = CloudSettings.test
        settings.billing = BillingSettings(isOn: true, pastDueDays: 1, suspendedDays: 2)
        return settings
    }
}

extension TestCloud {
    /// The team of the keys by role.
    public static let teamId: Int64 = 1
    /// A create of the smallest specification, which costs 5.479 RWF an hour.
    public static let smallest = body(specification: "\"S-1C\"")

    /// Puts thousandths of a franc into the team's wallet.
    public func topUp(_ milliRwf: Int64, reference: String = "payment") async throws {
        _ = try await TopUp(teamId: Self.teamId, amountMilliRwf: milliRwf, reference: reference)
            .run(in: cloud)
    }

    /// Lets the accountant look once.
    public func account() async throws { try await accountant.look() }

    /// Lets every create fail from now on, since no image is to be had.
    public func failCreates() async { await host.set(imageStatus: .unavailable("gone")) }

    public func advance(hours: Int64) { clock.advance(milliseconds: hours * Meter.hourMs) }

    /// Every entry of the team's ledger, oldest first: `COMPUTE_HOURS 1 2024-01-15 -76.706`.
    public func ledger() async throws -> [String] {
        let entries = try await cloud.database.read { sql in
            try sql.ledger.list(teamId: Self.teamId, limit: 10_000, offset: 0)
        }
        return entries.reversed().map {
            "\($0.kind.rawValue) \($0.resourceId.map { "\($0) " } ?? "")\($0.reference) "
                + Money.text($0.amountMilliRwf)
        }
    }

    /// The ids of what happened to the team and its computes since its set-up, oldest first.
    public func eventIds() async throws -> [Int64] {
        let setUp = lastSetUpEventId
        return try await cloud.database.read { sql in
            try sql.query(
                "SELECT id FROM events WHERE team_id = $1 AND id > $2 ORDER BY id", [Self.teamId, setUp]
            ).map { try $0.int("id") }
        }
    }

    /// What happened to the team itself since its set-up, oldest first.
    public func teamEvents() async throws -> [String] {
        let setUp = lastSetUpEventId
        return try await cloud.database.read { sql in
            try sql.query(
                "SELECT kind FROM events WHERE team_id = $1 AND resource_id IS NULL AND id > $2 ORDER BY id",
                [Self.teamId, setUp]
            ).map { try $0.text("kind") }
        }
    }
}
