import CloudControl
import CloudCore
import CloudWire
import Hummingbird

/// `/billing`.
struct BillingRoutes: Sendable {
    let cloud: Cloud

    var all: [Route] {
        [
            .api(.get, "/billing", handle: billing),
            .api(.get, "/billing/ledger", handle: ledger),
        ]
    }

    @Sendable
    private func billing(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let statement = try await ReadBilling(caller: try context.requireCaller()).run(in: cloud)
        return try Envelope(context, cloud.clock).response(.ok, wire(statement))
    }

    @Sendable
    private func ledger(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let page = try Page(request)
        let (entries, total) = try await ListLedger(page: page, caller: try context.requireCaller()).run(
            in: cloud)
        return try Envelope(context, cloud.clock).list(
            entries.map { LedgerEntryWire($0) }, page, total: total)
    }

    private func wire(_ statement: BillingStatement) -> BillingWire {
        var wire = BillingWire(
            enabled: cloud.settings.billing.isOn, currency: Money.currency,
            standing: statement.wallet.standing.rawValue, prices: PricesWire(cloud.catalogue))
        guard cloud.settings.billing.isOn else { return wire }
        let balance = statement.wallet.balanceMilliRwf
        wire.balance = Money.text(balance)
        wire.reserved = Money.text(statement.reservedMilliRwf)
        wire.available = Money.text(max(0, balance - statement.reservedMilliRwf))
        wire.pricePerHour = Money.text(statement.price.hourMilliRwf)
        wire.monthlyEstimate = Money.text(statement.price.monthMilliRwf)
        wire.daysLeft = statement.daysLeft()
        return wire
    }
}

extension LedgerEntryWire {
    fileprivate init(_ entry: LedgerEntry) {
        let resource = entry.resourceId.flatMap { id in
            entry.kind.resource.map { ResourceWire(kind: $0.rawValue, id: String(id)) }
        }
        self.init(
            number: entry.number, at: Timestamp.text(entry.atMs), kind: entry.kind.rawValue,
            computeId: entry.kind.resource == .compute ? resource?.id : nil, resource: resource,
            reference: entry.reference, amount: Money.text(entry.amountMilliRwf),
            balance: Money.text(entry.balanceMilliRwf))
    }
}

extension PricesWire {
    init(_ catalogue: Catalogue) {
        self.init(
            specifications: catalogue.specifications.map {
                SpecificationPriceWire(
                    specification: $0.specification, pricePerHour: Money.text($0.priceHourMilliRwf),
                    pricePerMonth: Money.text($0.priceMonthMilliRwf))
            }, publicIpPerMonth: Money.text(catalogue.publicIpMonthMilliRwf),
            snapshotGbPerMonth: Money.text(catalogue.snapshotGbMonthMilliRwf),
            imageGbPerMonth: Money.text(catalogue.imageGbMonthMilliRwf))
    }
}

extension ComputeQuoteWire {
    init(_ quote: QuoteCompute.Quote) {
        let hasPublicIp = quote.compute.publicIpv4 != nil
        self.init(
            hostName: quote.compute.hostName, image: quote.compute.image,
            specification: quote.compute.specification, region: quote.compute.region, publicIp: hasPublicIp,
            currency: Money.currency, pricePerHour: Money.text(quote.price.hourMilliRwf),
            pricePerMonth: Money.text(quote.priceMonthMilliRwf),
            publicIpPerMonth: hasPublicIp ? Money.text(quote.price.ipMonthMilliRwf) : nil,
            daysLeft: quote.daysLeft)
    }
}
