import CloudCore
import CloudDatabase

/// `POST /computes?dryRun=true`: all that the create would do, undone, and what it would cost.
public struct QuoteCompute: Sendable {
    public var asked: ComputeRequest
    public var caller: Caller
    public var requestId: String

    public init(_ asked: ComputeRequest, caller: Caller, requestId: String) {
        self.asked = asked
        self.caller = caller
        self.requestId = requestId
    }

    /// What the create would make and cost.
    public struct Quote: Sendable, Equatable {
        /// As it would be answered, but for its id.
        public var compute: Compute
        public var price: Price
        /// Of the whole month, as the catalogue has it.
        public var priceMonthMilliRwf: Int64
        /// Days that the balance lasts with this compute; `nil` where nothing is billed or spent.
        public var daysLeft: Int64?
    }

    /// Carries the quote out of the transaction that must not be committed.
    private struct Undo: Error {
        var quote: Quote
    }

    /// Throws what the create would throw.
    public func run(in cloud: Cloud) async throws -> Quote {
        try caller.require(.changeComputes)
        do {
            try await cloud.database.write(.quoteCompute) { sql in throw Undo(quote: try quote(sql, cloud)) }
        } catch let undo as Undo {
            return undo.quote
        }
        throw CloudError.bug("a dry run was committed")
    }

    private func quote(_ sql: any SQLConnection, _ cloud: Cloud) throws -> Quote {
        try caller.require(.changeComputes, now: sql)
        let compute = try MakeCompute(asked, caller: caller, requestId: requestId, cloud.settings).run(
            sql, cloud, nowMs: cloud.clock.nowMs)
        guard let specification = cloud.catalogue.specification(compute.specification) else {
            throw CloudError.bug("a compute of the unknown specification \(compute.specification) was made")
        }
        var quote = Quote(
            compute: compute,
            price: cloud.catalogue.price(of: specification, hasPublicIp: compute.publicIpv4 != nil),
            priceMonthMilliRwf: specification.priceMonthMilliRwf)
        guard cloud.settings.billing.isOn else { return quote }
        quote.daysLeft = try BillingStatement.read(sql, caller.teamId, cloud).daysLeft(startingAlso: true)
        return quote
    }
}
