import CloudWire
import NIOHTTP1

/// The team's wallet.
extension StrettchClient {
    /// Balance, standing and prices as they are now.
    public func billing() async throws -> EnvelopeWire<BillingWire> { try await call(Call(.GET, "/billing")) }

    /// One page of what changed the balance, newest first.
    public func ledger(page: Int = 1, limit: Int = 20) async throws -> EnvelopeWire<[LedgerEntryWire]> {
        try await call(Call(.GET, "/billing/ledger?page=\(page)&limit=\(limit)"))
    }

    /// The newest `limit` entries of the ledger, newest first, each once: entries that come meanwhile move the pages.
    public func newestLedger(_ limit: Int) async throws -> [LedgerEntryWire] {
        var entries: [LedgerEntryWire] = []
        let pageSize = max(1, min(limit, Self.pageSize))
        for page in 1...Self.maxPages {
            let part = try await ledger(page: page, limit: pageSize).data
            entries += part.filter { $0.number < entries.last?.number ?? .max }
            if part.count < pageSize || entries.count >= limit { break }
        }
        return Array(entries.prefix(limit))
    }
}
