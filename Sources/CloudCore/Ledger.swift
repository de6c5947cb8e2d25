/// What a ledger entry is.
public enum LedgerKind: String, Sendable, CaseIterable {
    /// Money that came in. The reference is the payment's.
    case credit = "CREDIT"
    /// The hours of a compute that fell due on the day of the reference.
    case computeHours = "COMPUTE_HOURS"
    /// The fee of a compute's public address in the month of the reference.
    case publicIpMonth = "PUBLIC_IP_MONTH"
    /// The hours of a snapshot that fell due on the day of the reference.
    case snapshotHours = "SNAPSHOT_HOURS"
    /// The hours of a team's own image that fell due on the day of the reference.
    case imageHours = "IMAGE_HOURS"
    /// What the operator put right, in either direction.
    case correction = "CORRECTION"

    /// The kind of resource that is charged for; `nil`: none is.
    public var resource: ResourceKind? {
        switch self {
        case .computeHours, .publicIpMonth: .compute
        case .snapshotHours: .snapshot
        case .imageHours: .image
        case .credit, .correction: nil
        }
    }
}

/// One thing to debit.
public struct Charge: Sendable, Equatable {
    public var kind: LedgerKind
    /// The day `2024-01-15` or the month `2024-01`. No resource is charged twice for the same kind and reference.
    public var reference: String
    /// More than 0.
    public var amountMilliRwf: Int64

    public init(kind: LedgerKind, reference: String, amountMilliRwf: Int64) {
        self.kind = kind
        self.reference = reference
        self.amountMilliRwf = amountMilliRwf
    }
}

/// One entry of a team's ledger. It is never changed or removed.
public struct LedgerEntry: Sendable, Equatable {
    /// From 1 on in each team, without gaps.
    public var number: Int64
    public var atMs: Int64
    public var kind: LedgerKind
    /// The resource that is charged for; `nil` for a credit or a correction.
    public var resourceId: Int64?
    /// The day or month that is charged for, or the operator's reference of a credit or correction.
    public var reference: String
    /// What it adds to the balance; negative for a charge.
    public var amountMilliRwf: Int64
    /// The balance after it.
    public var balanceMilliRwf: Int64

    public init(
        number: Int64, atMs: Int64, kind: LedgerKind, resourceId: Int64?, reference: String,
        amountMilliRwf: Int64, balanceMilliRwf: Int64
    ) {
        self.number = number
        self.atMs = atMs
        self.kind = kind
        self.resourceId = resourceId
        self.reference = reference
        self.amountMilliRwf = amountMilliRwf
        self.balanceMilliRwf = balanceMilliRwf
    }
}
