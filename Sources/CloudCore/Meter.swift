/// A price and when it came into force.
public struct PriceChange: Sendable, Equatable {
    public var sinceMs: Int64
    public var price: Price

    public init(sinceMs: Int64, price: Price) {
        self.sinceMs = sinceMs
        self.price = price
    }
}

/// What a resource is billed for: all of its history that its cost follows from.
///
/// The billed time of a compute begins when it first becomes RUNNING and ends with DESTROYING or FAILED, that of a snapshot
/// or an image begins with READY and ends with DELETING. It is cut into
/// hours from its first moment on, and each begun hour costs the highest price in force in it. A public address costs
/// the fee in force at the first moment of each calendar month of the billed time (docs/billing.md).
public struct Meter: Sendable, Equatable {
    /// What its hours are called in the ledger.
    public private(set) var hours: LedgerKind
    public private(set) var beganAtMs: Int64?
    public private(set) var endedAtMs: Int64?
    /// In the order of time, at least one; the first holds for all time before it too.
    public private(set) var prices: [PriceChange]
    /// What fell due up to this moment is in the ledger.
    public private(set) var debitedToMs: Int64

    public static let hourMs: Int64 = 3_600_000

    public init(
        of hours: LedgerKind = .computeHours, beganAtMs: Int64? = nil, endedAtMs: Int64? = nil,
        prices: [PriceChange], debitedToMs: Int64 = 0
    ) {
        self.hours = hours
        self.beganAtMs = beganAtMs
        self.endedAtMs = endedAtMs
        self.prices = prices
        self.debitedToMs = debitedToMs
    }

    /// The price in force now.
    public var price: Price { prices.last?.price ?? .free }
    public var isOpen: Bool { endedAtMs == nil }
    /// Whether it is billed now.
    public var isRunning: Bool { beganAtMs != nil && isOpen }
    /// Whether all that it will ever cost is in the ledger.
    public var isSettled: Bool {
        guard let endedAtMs else { return false }
        return beganAtMs == nil || debitedToMs >= endedAtMs
    }

    /// Follows the resource into a state that is billed so. What has ended does not begin again.
    public mutating func follow(_ phase: BillingPhase, atMs: Int64) {
        guard isOpen else { return }
        switch phase {
        case .notYet: break
        case .billed: beganAtMs = beganAtMs ?? atMs
        // What is debited is past, even for a clock that was set back.
        case .over: endedAtMs = max(atMs, debitedToMs + 1)
        }
    }

    /// Puts another price in force.
    public mutating func change(_ price: Price, atMs: Int64) {
        guard isOpen, price != self.price else { return }
        // A clock that was set back does not change what is past, and what is debited is past.
        let since = max(atMs, prices.last?.sinceMs ?? atMs, debitedToMs)
        if prices.last?.sinceMs == since { prices.removeLast() }
        prices.append(PriceChange(sinceMs: since, price: price))
    }

    /// Counts what fell due up to `untilMs` as debited.
    public mutating func debit(untilMs: Int64) { debitedToMs = max(debitedToMs, untilMs) }

    /// The same meter as if a compute that has not come to run yet did so at `atMs`.
    public func assumed(beganAtMs atMs: Int64) -> Meter {
        var meter = self
        meter.follow(.billed, atMs: atMs)
        return meter
    }
}

/// Whether a state is billed (API reference, "Teams, roles, billing").
public enum BillingPhase: Sendable, CaseIterable {
    case notYet, billed, over
}

extension SnapshotState {
    public var billing: BillingPhase {
        switch self {
        case .taking: .notYet
        case .ready: .billed
        case .failed, .deleting, .deleted: .over
        }
    }
}

extension TeamImageState {
    public var billing: BillingPhase {
        switch self {
        case .uploading, .preparing: .notYet
        case .ready: .billed
        case .failed, .deleting, .deleted: .over
        }
    }
}

extension ComputeState {
    public var billing: BillingPhase {
        switch self {
        case .creating: .notYet
        case .running, .stopped, .starting, .rebooting: .billed
        case .destroying, .destroyed, .failed: .over
        }
    }
}
