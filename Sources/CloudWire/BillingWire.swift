/// The answer of `GET /billing` (ours). Amounts are francs with exactly three decimals as text, `"3999.000"`: a JSON
/// number would lose digits in clients that read it as floating point.
public struct BillingWire: Codable, Sendable, Equatable {
    /// Whether anything is billed here. If not, there are prices and the standing alone.
    public var enabled: Bool
    public var currency: String
    public var standing: String
    public var balance: String?
    /// What is owed and not debited yet, and the next 24 hours of all computes.
    public var reserved: String?
    /// The balance without what is reserved: what a new compute may cost in its first day.
    public var available: String?
    /// What all computes together cost for an hour now, without public addresses.
    public var pricePerHour: String?
    /// What they would cost for a mean month, with public addresses.
    public var monthlyEstimate: String?
    /// Whole days until the balance is used up at the present rate; absent when nothing is spent.
    public var daysLeft: Int64?
    public var prices: PricesWire

    public init(
        enabled: Bool, currency: String, standing: String, balance: String? = nil, reserved: String? = nil,
        available: String? = nil, pricePerHour: String? = nil, monthlyEstimate: String? = nil,
        daysLeft: Int64? = nil, prices: PricesWire
    ) {
        self.enabled = enabled
        self.currency = currency
        self.standing = standing
        self.balance = balance
        self.reserved = reserved
        self.available = available
        self.pricePerHour = pricePerHour
        self.monthlyEstimate = monthlyEstimate
        self.daysLeft = daysLeft
        self.prices = prices
    }
}

/// What everything costs.
public struct PricesWire: Codable, Sendable, Equatable {
    public var specifications: [SpecificationPriceWire]
    public var publicIpPerMonth: String
    /// Of each GiB that a snapshot takes; absent from a server that has none.
    public var snapshotGbPerMonth: String?
    /// Of each GiB that an image of the team's own takes; absent from a server without such images.
    public var imageGbPerMonth: String?

    public init(
        specifications: [SpecificationPriceWire], publicIpPerMonth: String, snapshotGbPerMonth: String? = nil,
        imageGbPerMonth: String? = nil
    ) {
        self.specifications = specifications
        self.publicIpPerMonth = publicIpPerMonth
        self.snapshotGbPerMonth = snapshotGbPerMonth
        self.imageGbPerMonth = imageGbPerMonth
    }
}

/// What a specification costs.
public struct SpecificationPriceWire: Codable, Sendable, Equatable {
    public var specification: String
    public var pricePerHour: String
    public var pricePerMonth: String

    public init(specification: String, pricePerHour: String, pricePerMonth: String) {
        self.specification = specification
        self.pricePerHour = pricePerHour
        self.pricePerMonth = pricePerMonth
    }
}

/// An entry of `GET /billing/ledger` (ours).
public struct LedgerEntryWire: Codable, Sendable, Equatable {
    /// From 1 on in each team, without gaps.
    public var number: Int64
    public var at: String
    public var kind: String
    /// Decimal digits; absent when it is about no compute.
    public var computeId: String?
    /// What is charged for; absent when it is about no resource.
    public var resource: ResourceWire?
    /// The day or month that is charged for, or the reference of a payment or correction.
    public var reference: String
    /// What it adds to the balance; negative for a charge.
    public var amount: String
    /// The balance after it.
    public var balance: String

    public init(
        number: Int64, at: String, kind: String, computeId: String?, resource: ResourceWire? = nil,
        reference: String, amount: String, balance: String
    ) {
        self.number = number
        self.at = at
        self.kind = kind
        self.computeId = computeId
        self.resource = resource
        self.reference = reference
        self.amount = amount
        self.balance = balance
    }
}

/// The answer of `POST /computes?dryRun=true` (ours): what the create would make and cost.
public struct ComputeQuoteWire: Codable, Sendable, Equatable {
    public var hostName: String
    public var image: String
    public var specification: String
    /// Where it would be placed.
    public var region: String
    /// Whether it would hold a public address.
    public var publicIp: Bool
    public var currency: String
    public var pricePerHour: String
    public var pricePerMonth: String
    /// The fee of the public address for each calendar month; absent without one.
    public var publicIpPerMonth: String?
    /// Whole days that the balance would last; absent where nothing is billed.
    public var daysLeft: Int64?

    public init(
        hostName: String, image: String, specification: String, region: String, publicIp: Bool,
        currency: String, pricePerHour: String, pricePerMonth: String, publicIpPerMonth: String?,
        daysLeft: Int64?
    ) {
        self.hostName = hostName
        self.image = image
        self.specification = specification
        self.region = region
        self.publicIp = publicIp
        self.currency = currency
        self.pricePerHour = pricePerHour
        self.pricePerMonth = pricePerMonth
        self.publicIpPerMonth = publicIpPerMonth
        self.daysLeft = daysLeft
    }
}
