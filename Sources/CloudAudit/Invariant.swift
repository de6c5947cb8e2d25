/// What is promised to be so at every moment, whatever crashes: the promises that the audit checks, each written once.
public enum Invariant: String, Sendable, CaseIterable {
    // Who asked.
    /// A compute has one key of its create, and a key stands for one compute.
    case oneKeyPerCompute = "one-key-per-compute"
    /// The answer that is stored with a key names the key's compute.
    case answerNamesCompute = "answer-names-compute"
    /// A compute has one event that says who asked for it.
    case createIsLogged = "create-is-logged"

    // What a compute holds of the cell.
    /// No address, port or Ethernet address is held twice.
    case heldOnce = "held-once"
    /// Private addresses lie in their team's network, public ones in the pool, ports in their range.
    case heldInRange = "held-in-range"
    /// A compute that is not gone holds what it was given.
    case holdsItsAddress = "holds-its-address"
    /// One that is DESTROYED, or FAILED and cleaned up, holds nothing.
    case goneHoldsNothing = "gone-holds-nothing"
    /// The row of an address names the compute that has it, or nobody.
    case addressesNameTheirHolders = "addresses-name-their-holders"
    /// The computes of a host together take no more than it gives out.
    case capacityIsKept = "capacity-is-kept"
    /// A host's counters are the sum over its computes, and each compute that holds anything has its host.
    case hostCountsItsComputes = "host-counts-its-computes"
    /// No two teams that exist share addresses, and one that is deleted has neither computes nor keys.
    case teamsAreApart = "teams-are-apart"
    case deletedTeamHoldsNothing = "deleted-team-holds-nothing"

    /// What a team's lists say of their length is what a count of their rows would say.
    case totalsAreCounts = "totals-are-counts"

    // The work.
    /// A compute has one job.
    case oneJob = "one-job"
    /// State, intent, action and step fit each other.
    case stateFitsStep = "state-fits-step"
    /// Nothing is under way for longer than it may be, or due with nobody to work on it.
    case nothingIsStuck = "nothing-is-stuck"

    // The host.
    /// A machine has a process if and only if its step says so.
    case process
    case disk
    case seed
    /// A snapshot that is READY is on its host.
    case snapshot
    /// So is a team's own image, and it is READY as long as anything lies over it.
    case image
    /// Interfaces, addresses and packet filter are what the computes need, and no more.
    case network
    /// There is nothing of ours on the host that no compute stands for.
    case noOrphans = "no-orphans"

    // The money.
    /// A meter begins and ends with its compute's state, at the price of today's catalogue.
    case meterFollowsState = "meter-follows-state"
    case priceIsTheCatalogues = "price-is-the-catalogues"
    /// The ledger has what the meters say, and nothing else.
    case ledgerIsItsRecomputation = "ledger-is-its-recomputation"
    /// A wallet is the end and the sum of its ledger, which is a chain without a gap.
    case walletIsItsLedger = "wallet-is-its-ledger"

    // The audit log.
    /// No event was taken out: ids go from 1 to the last without a gap; where the engine leaves gaps by itself, the guard
    /// is in force that lets nobody take one out.
    case eventsHaveNoGap = "events-have-no-gap"
    /// The newest event of a compute fits the state that it shows.
    case stateHasItsEvent = "state-has-its-event"
}

/// One thing that is not as promised.
public struct AuditFinding: Sendable, Equatable {
    public var invariant: Invariant
    /// `nil` when it is about no single compute.
    public var computeId: Int64?
    /// For the operator: what is, what should be, and what to do.
    public var what: String

    public init(_ invariant: Invariant, computeId: Int64? = nil, _ what: String) {
        self.invariant = invariant
        self.computeId = computeId
        self.what = what
    }
}
