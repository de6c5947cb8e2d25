import CloudCore
import CloudDatabase
import CloudMachines

/// Compares what the database says with the promises of `Invariant`, and with what is on the host.
///
/// Fit for a system that works meanwhile: all of the database is read in one transaction, and what is under way is
/// judged by its step. What may be a race between that and the look at the host is looked at once more, and told only
/// if it is still so.
public struct Audit: Sendable {
    private let database: any Database
    private let hosts: [Int64: any MachineHost]
    private let catalogue: Catalogue
    private let settings: AuditSettings
    private let clock: any CloudClock

    /// - Parameter hosts: by the ids of their rows, those that can be looked at from here. Of the others the database alone
    ///   is judged.
    public init(
        database: any Database, hosts: [Int64: any MachineHost], catalogue: Catalogue,
        settings: AuditSettings,
        clock: any CloudClock
    ) {
        self.database = database
        self.hosts = hosts
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
    }

    /// What is not as promised, in the order of `Invariant`; empty: all is. Throws what database and host throw.
    public func run() async throws -> [AuditFinding] { try await report().findings }

    /// The same, with how much was looked at.
    public func report() async throws -> AuditReport {
        let first = try await look()
        guard first.findings.contains(where: \.invariant.mayBeARace) else { return first }
        if settings.secondLookAfter > .zero { try await clock.sleep(for: settings.secondLookAfter) }
        var second = try await look()
        second.findings.removeAll { finding in
            finding.invariant.mayBeARace && !first.findings.contains { $0.isSame(as: finding) }
        }
        return second
    }

    private func look() async throws -> AuditReport {
        let now = clock.nowMs
        let snapshot = try await database.read { sql in try AuditSnapshot(sql, nowMs: now) }
        var onHosts: [AuditFinding] = []
        for (id, host) in hosts.sorted(by: { $0.key < $1.key }) {
            let part = snapshot.ofHost(id)
            onHosts += try await HostInventory(of: host, for: part).findings(part)
        }
        var report = AuditReport(snapshot)
        report.findings =
            snapshot.keyFindings + snapshot.addressFindings(settings) + snapshot.roomFindings
            + snapshot.totalFindings
            + ResourceKind.allCases.flatMap { snapshot.workFindings(of: $0, settings) }
            + snapshot.moneyFindings(catalogue, settings) + snapshot.eventFindings
            + onHosts
        report.findings.sort {
            ($0.invariant.order, $0.computeId ?? 0) < ($1.invariant.order, $1.computeId ?? 0)
        }
        return report
    }
}

/// What an audit found, and how much it looked at.
public struct AuditReport: Sendable, Equatable {
    public var findings: [AuditFinding] = []
    /// Computes that are not DESTROYED.
    public var computes: Int
    public var events: Int64
    /// Teams that are not deleted.
    public var teams: Int

    public init(findings: [AuditFinding], computes: Int, events: Int64, teams: Int) {
        self.findings = findings
        self.computes = computes
        self.events = events
        self.teams = teams
    }

    init(_ snapshot: AuditSnapshot) {
        computes = snapshot.computes.count
        events = snapshot.events.count
        teams = snapshot.teams.count { !$0.isDeleted }
    }
}

extension AuditFinding {
    /// Whether both looks found it: of the same thing, in whatever words.
    fileprivate func isSame(as other: AuditFinding) -> Bool {
        invariant == other.invariant && computeId == other.computeId
            && (computeId != nil || what == other.what)
    }
}

extension Invariant {
    /// Whether a look may find it broken although it is not: because the host is read after the database, or because a
    /// server that was down has not had the time to go on.
    fileprivate var mayBeARace: Bool {
        switch self {
        case .process, .disk, .seed, .snapshot, .image, .network, .noOrphans, .nothingIsStuck,
            .priceIsTheCatalogues:
            true
        case .oneKeyPerCompute, .answerNamesCompute, .createIsLogged, .heldOnce, .heldInRange,
            .holdsItsAddress, .goneHoldsNothing, .addressesNameTheirHolders, .capacityIsKept,
            .hostCountsItsComputes, .teamsAreApart,
            .deletedTeamHoldsNothing, .totalsAreCounts,
            .oneJob, .stateFitsStep, .meterFollowsState, .ledgerIsItsRecomputation, .walletIsItsLedger,
            .eventsHaveNoGap, .stateHasItsEvent:
            false
        }
    }

    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
