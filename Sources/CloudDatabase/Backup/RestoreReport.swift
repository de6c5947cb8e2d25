import CloudCore

/// What is on the host of machines of one installation, each set by compute id.
public struct MachinesOnHost: Sendable, Equatable {
    /// Those with a process that is alive.
    public var processes: Set<Int64>
    public var disks: Set<Int64>
    /// Those with a folder, whatever is in it.
    public var folders: Set<Int64>

    public init(processes: Set<Int64> = [], disks: Set<Int64> = [], folders: Set<Int64> = []) {
        self.processes = processes
        self.disks = disks
        self.folders = folders
    }

    /// Those with anything at all.
    public var all: Set<Int64> { processes.union(disks).union(folders) }
}

/// What a restore changes, beside the rows themselves: what the operator has to know and to tell the owners.
public struct RestoreReport: Sendable, Equatable {
    /// The event that tells a team of a restore. Ids of events that are lost lie before it, and are of no event any more.
    static let eventKind = "team.restored"

    /// As it is in the file, before it is brought up to date.
    public var backup: DatabaseFigures
    /// What becomes of the database that is replaced.
    public var present: Present
    /// What went on since the backup, out of the database that is replaced; `nil` where that can't be read.
    public var since: SinceBackup?
    /// Machines on this host that are of no compute in the backup.
    public var orphans: [Int64]
    /// Computes whose disk should be on this host and is not.
    public var withoutDisk: [Int64]
    /// Computes that are STOPPED in the backup, and run: they are asked to shut down.
    public var running: [Int64]

    /// The database that is replaced.
    public enum Present: Sendable, Equatable {
        /// There is none.
        case absent
        /// It is kept in this file.
        case kept(String)
        /// It can't be read. It is kept in this file, as it is.
        case damaged(String)
    }
}

/// What the database that is replaced has, and the backup has not.
public struct SinceBackup: Sendable, Equatable {
    /// Computes that are in the former and not in the latter, and are not DESTROYED.
    public var createdComputes: [Int64]
    /// Computes that live in the backup, and are DESTROYED since.
    public var deletedComputes: [Int64]
    /// `nil`: there are none.
    public var events: ClosedRange<Int64>?
    /// Idempotency keys that will be taken for new ones.
    public var idempotencyKeys: Int64
    /// API keys that will be unknown.
    public var apiKeys: Int64
    /// API keys that stay revoked, although the backup has them as good.
    public var revokedKeys: Int64
    /// Entries of the teams' ledgers, and what those that were not debits for computes add up to.
    public var ledgerEntries: Int64
    public var paidMilliRwf: Int64
}
