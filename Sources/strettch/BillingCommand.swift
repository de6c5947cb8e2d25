import ArgumentParser
import CloudClient
import CloudWire

/// `strettch billing`.
struct BillingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "billing", abstract: "Show the team's wallet, and what changed it.",
        subcommands: [BillingShowCommand.self, BillingLedgerCommand.self],
        defaultSubcommand: BillingShowCommand.self)
}

/// `strettch billing show`.
struct BillingShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the team's balance, standing and prices.")

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let billing = try await client.billing().data
            try OutputStreams.result(options.json ? OutputText.json(billing) : OutputBilling.detail(billing))
        }
    }
}

/// `strettch billing ledger`.
struct BillingLedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Show what changed the team's balance.",
        discussion: "The newest is at the bottom.")

    @Option(help: "Show at most so many of the newest entries.") var limit = 50
    @OptionGroup var options: ComputeOptions

    private static let maxLimit = 100_000

    func validate() throws {
        guard (1...Self.maxLimit).contains(limit) else {
            throw ValidationError("--limit: \(limit) is not between 1 and \(Self.maxLimit).")
        }
    }

    func run() async throws {
        try await options.withClient { client in
            let entries = Array(try await client.newestLedger(limit).reversed())
            try OutputStreams.result(options.json ? OutputText.json(entries) : OutputBilling.ledger(entries))
        }
    }
}

/// How the wallet is shown to people.
enum OutputBilling {
    /// A line for each thing that is known, and the prices.
    static func detail(_ billing: BillingWire) -> String {
        let currency = billing.currency
        let lines: [(name: String, value: String?)] = [
            ("standing", billing.standing), ("balance", billing.balance.map { "\($0) \(currency)" }),
            (
                "reserved",
                billing.reserved.map { "\($0) \(currency), for what is owed and the next 24 hours" }
            ),
            ("available", billing.available.map { "\($0) \(currency)" }),
            ("rate", billing.pricePerHour.map { "\($0) \(currency) an hour" }),
            ("estimate", billing.monthlyEstimate.map { "\($0) \(currency) a month, with public addresses" }),
            ("lasts", billing.daysLeft.map { "\($0) \($0 == 1 ? "day" : "days")" }),
        ]
        var text = OutputText.facts(lines, width: 11)
        if !billing.enabled { text.append("Nothing is billed here; these are the prices all the same.") }
        return OutputText.clean(lines: text) + "\n\n" + prices(billing)
    }

    static func ledger(_ entries: [LedgerEntryWire]) -> String {
        guard !entries.isEmpty else { return "Nothing has changed the balance yet." }
        return OutputTable(
            header: ["NUMBER", "TIME", "KIND", "COMPUTE", "REFERENCE", "AMOUNT", "BALANCE"],
            rows: entries.map {
                [
                    "\($0.number)", $0.at, $0.kind, resource($0), $0.reference, $0.amount, $0.balance,
                ]
            }
        ).text
    }

    /// The id of a compute; of another resource its kind too.
    private static func resource(_ entry: LedgerEntryWire) -> String {
        entry.computeId ?? entry.resource.map { "\($0.kind) \($0.id)" } ?? "-"
    }

    private static func prices(_ billing: BillingWire) -> String {
        OutputTable(
            header: ["SPECIFICATION", "\(billing.currency) AN HOUR", "\(billing.currency) A MONTH"],
            rows: billing.prices.specifications.map { [$0.specification, $0.pricePerHour, $0.pricePerMonth] }
                + [["public address", "-", billing.prices.publicIpPerMonth]]
                + (billing.prices.snapshotGbPerMonth.map { [["GiB of a snapshot", "-", $0]] } ?? [])
                + (billing.prices.imageGbPerMonth.map { [["GiB of an image", "-", $0]] } ?? [])
        ).text
    }
}
