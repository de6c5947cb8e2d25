import ArgumentParser
import CloudControl
import CloudCore
import CloudWire

/// `strettch admin team suspend`.
struct AdminTeamSuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend",
        abstract: "Suspend a team: its machines are stopped, and it may only look, stop and delete.")

    @Argument(help: "The team's name.") var name: String
    @Option(help: "Why. The team sees it in its audit log.") var reason: String?
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let report = try await ReportTeams().run(name: name, in: cloud)
        let wallet = try await SuspendTeam(teamId: report.team.id, reason: reason).run(in: cloud)
        try options.show(OutputWallet(wallet), OutputWallet(wallet).line(of: name))
    }
}

/// `strettch admin team resume`.
struct AdminTeamResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End every suspension of a team, a termination too.",
        discussion: "Machines stay stopped until their owner starts them.")

    @Argument(help: "The team's name.") var name: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let report = try await ReportTeams().run(name: name, in: cloud)
        let wallet = try await ResumeTeam(teamId: report.team.id).run(in: cloud)
        try options.show(OutputWallet(wallet), OutputWallet(wallet).line(of: name))
    }
}

/// `strettch admin team top-up`.
struct AdminTeamTopUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top-up", abstract: "Put money into a team's wallet.",
        discussion: "The same reference again changes nothing, so the command can be repeated.")

    @Argument(help: "The team's name.") var name: String
    @Argument(help: "Francs, with at most three decimals: 12000 or 12000.500.") var amount: String
    @Option(help: "What the payment is known by, 1 to 64 characters.") var reference: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let milliRwf = try Money.parsed(amount)
        let cloud = try options.cloud()
        let report = try await ReportTeams().run(name: name, in: cloud)
        let entry = try await TopUp(
            teamId: report.team.id, amountMilliRwf: milliRwf, reference: reference
        ).run(in: cloud)
        try options.show(OutputTopUp(entry), OutputTopUp(entry).line(of: name))
    }
}

/// `strettch admin team correct`.
struct AdminTeamCorrectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "correct", abstract: "Put a team's balance right, in either direction.",
        discussion:
            "No entry of the ledger is ever changed: this adds one. The same reference again changes nothing."
    )

    @Argument(help: "The team's name.") var name: String
    @Option(parsing: .unconditional, help: "Francs, with at most three decimals: 500 or -12000.500.")
    var by: String
    @Option(help: "Why, in 1 to 64 characters.") var reference: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let milliRwf = try Money.parsed(by)
        let cloud = try options.cloud()
        let report = try await ReportTeams().run(name: name, in: cloud)
        let entry = try await CorrectWallet(
            teamId: report.team.id, amountMilliRwf: milliRwf, reference: reference
        ).run(in: cloud)
        try options.show(OutputTopUp(entry), OutputTopUp(entry).line(of: name))
    }
}

extension Money {
    /// An amount that an operator wrote, in thousandths. Throws `VALIDATION_ERROR` with an example.
    fileprivate static func parsed(_ amount: String) throws -> Int64 {
        guard let milliRwf = parse(amount) else {
            throw CloudError.invalid([
                Problem("amount", "'\(amount.shown)' is no amount. Give francs, such as 12000 or 12000.500.")
            ])
        }
        return milliRwf
    }
}

/// A wallet as the operator's commands print it.
struct OutputWallet: Encodable {
    /// Francs with three decimals.
    var balance: String
    var standing: String

    init(_ wallet: Wallet) {
        balance = Money.text(wallet.balanceMilliRwf)
        standing = wallet.standing.rawValue
    }

    func line(of team: String) -> String {
        OutputText.clean("\(team) is \(standing). Its balance is \(balance) \(Money.currency).")
    }
}

/// An entry of the ledger as the operator's commands print it.
struct OutputTopUp: Encodable {
    /// Its number in the team's ledger.
    var number: Int64
    var reference: String
    /// Francs with three decimals, as are all amounts.
    var amount: String
    /// After the entry.
    var balance: String
    var at: String

    init(_ entry: LedgerEntry) {
        number = entry.number
        reference = entry.reference
        amount = Money.text(entry.amountMilliRwf)
        balance = Money.text(entry.balanceMilliRwf)
        at = Timestamp.text(entry.atMs)
    }

    func line(of team: String) -> String {
        OutputText.clean(
            "\(team) got \(amount) \(Money.currency) (\(reference)). The balance was then \(balance) \(Money.currency)."
        )
    }
}
