import CloudCore
import CloudDatabase
import CloudMachines

/// All that the invariants are judged by, out of one transaction. What can't be summed up in SQL is here row by row.
struct AuditSnapshot: Sendable, Equatable {
    var nowMs: Int64
    /// By id, without those that are gone and hold nothing.
    var computes: [AuditedCompute] = []
    var teams: [AuditedTeam] = []
    var hosts: [AuditedHost] = []
    /// Of one host's part: those that it has to do with.
    var moves: [Move] = []
    /// Computes that are on no host or not where their move says, or whose job is another's.
    var misplaced: [Int64] = []
    var withoutJob: [Int64] = []
    /// By id, without those that are gone.
    var snapshots: [AuditedSnapshot] = []
    var snapshotsWithoutJob: [Int64] = []
    /// Snapshots whose events don't tell once of their begin, or of their end.
    var snapshotEventsAmiss: [Int64] = []
    /// By id, without those that are gone.
    var images: [AuditedImage] = []
    var imagesWithoutJob: [Int64] = []
    /// Those that were deleted a moment ago.
    var imagesJustDeleted: Set<Int64> = []
    /// Images whose events don't tell once of their begin, or of their end.
    var imageEventsAmiss: [Int64] = []
    /// Images that are not READY although something lies over them.
    var imagesAmiss: [ImageInUse] = []
    /// Computes whose jobs wait for what is over.
    var waitInVain: [Int64] = []
    var totalsAmiss: [AuditedTotal] = []
    /// Computes whose addresses' rows name somebody else, or nobody.
    var addressesAmiss: [Int64] = []

    var createKeysAmiss: [Count] = []
    var keysWithoutResource: [Key] = []
    var answersAmiss: [Key] = []
    var createEventsAmiss: [Count] = []

    var events = EventIds()
    var destroyedEventsAmiss: [Count] = []
    /// The id of the newest event of each kind that tells of a state, by compute.
    var newestEvents: [Int64: [String: Int64]] = [:]

    var metersAmiss: [AuditedMeter] = []
    var withoutMeter: [Int64] = []
    /// Meters that are open, whose prices follow from the catalogue.
    var openMeters: [AuditedMeter] = []
    var debitsAmiss: [Debits] = []
    var walletsAmiss: [AuditedWallet] = []
    var brokenChain: [Entry] = []
    /// Of one host's part: teammates of its computes, and others, on other hosts.
    var remotes: [RemoteAttachment] = []
    /// Of one host's part: it, and those that keep their snapshots at the same place.
    var sharers: Set<Int64> = []
    /// Of one host's part: see `NetworkPlan.spareTaps`.
    var spareTaps: Set<Int64> = []

    /// Rows that are read at once.
    static let page = 1000

    init(nowMs: Int64) { self.nowMs = nowMs }

    /// Reads all of it. To be called inside one transaction.
    init(_ sql: any SQLConnection, nowMs: Int64) throws {
        self.nowMs = nowMs
        let audit = sql.audit
        computes = try Self.pages(after: \.compute.id) { try audit.computes(afterId: $0, limit: Self.page) }
        teams = try audit.teams()
        hosts = try audit.hosts()
        moves = try sql.moves.list()
        misplaced = try audit.misplaced()
        withoutJob = try audit.withoutJob()
        snapshots = try Self.pages(after: \.snapshot.id) {
            try audit.snapshots(afterId: $0, limit: Self.page)
        }
        snapshotsWithoutJob = try audit.snapshotsWithoutJob()
        snapshotEventsAmiss = try audit.snapshotEventsAmiss()
        try readImages(audit)
        waitInVain = try audit.waitInVain()
        totalsAmiss = try audit.totalsAmiss()
        addressesAmiss = try audit.addressesAmiss()
        createKeysAmiss = try audit.createKeys(endpoint: Self.createEndpoint).map(Count.init)
        keysWithoutResource = try audit.keysWithoutResource(except: Self.keyEndpoint).map {
            Key(key: $0, endpoint: $1)
        }
        answersAmiss = try audit.answersAmiss().map { Key(key: $1, computeId: $0) }
        createEventsAmiss = try audit.notOnce(kind: ComputeAction.create.requestedKind).map(Count.init)
        let ids = try audit.eventIds()
        events = EventIds(count: ids.count, first: ids.first, last: ids.last)
        events.isGuarded = audit.eventsHaveGaps ? try audit.eventsAreGuarded() : nil
        destroyedEventsAmiss = try audit.notOnce(kind: StateEvent.destroyed, isDestroyed: true).map(
            Count.init)
        newestEvents = try audit.newestEvents(kinds: StateEvent.all)
        try readMoney(audit)
    }

    private mutating func readImages(_ audit: AuditQueries) throws {
        images = try Self.pages(after: \.image.id) { try audit.images(afterId: $0, limit: Self.page) }
        imagesWithoutJob = try audit.imagesWithoutJob()
        imagesJustDeleted = try audit.imagesDeleted(sinceMs: nowMs - Self.copyLeftMs)
        imageEventsAmiss = try audit.imageEventsAmiss()
        imagesAmiss = try audit.imagesAmiss().map(ImageInUse.init)
    }

    private mutating func readMoney(_ audit: AuditQueries) throws {
        withoutMeter = try audit.withoutMeter()
        walletsAmiss = try audit.walletsAmiss()
        brokenChain = try audit.brokenChain().map(Entry.init)
        var afterId: Int64 = 0
        // As many turns as there are pages of meters.
        while true {
            let meters = try audit.meters(afterId: afterId, limit: Self.page)
            guard let last = meters.last else { return }
            let debits = try audit.debits(afterId: afterId, lastId: last.resourceId)
            metersAmiss += meters.filter { !$0.followsState }
            openMeters += meters.filter(\.meter.isOpen)
            debitsAmiss += meters.compactMap { $0.debitsAmiss(debits[$0.resourceId] ?? [:]) }
            afterId = last.resourceId
        }
    }

    /// All pages of a list that goes on above the last id of each.
    private static func pages<Row>(after id: KeyPath<Row, Int64>, _ read: (Int64) throws -> [Row]) throws
        -> [Row]
    {
        var rows: [Row] = []
        while true {
            let page = try read(rows.last?[keyPath: id] ?? 0)
            rows += page
            guard page.count == Self.page else { return rows }
        }
    }

    /// `CreateCompute.endpoint`, which is a layer above.
    static let createEndpoint = "POST /computes"
    /// `CreateKey.endpoint`, which is too. An API key is not a resource.
    static let keyEndpoint = "POST /keys"

    /// How often a compute has what it should have once.
    struct Count: Sendable, Equatable {
        var computeId: Int64
        var count: Int64

        init(_ row: (computeId: Int64, count: Int64)) { (computeId, count) = row }
    }

    /// An image, and the compute or snapshot that lies over it.
    struct ImageInUse: Sendable, Equatable {
        var imageId: Int64
        var userId: Int64

        init(_ row: (imageId: Int64, userId: Int64)) { (imageId, userId) = row }
    }

    /// An idempotency key that is amiss.
    struct Key: Sendable, Equatable {
        var key: String
        var endpoint: String?
        var computeId: Int64?
    }

    /// How many events there are, and their lowest and highest id.
    struct EventIds: Sendable, Equatable {
        var count: Int64 = 0
        var first: Int64 = 0
        var last: Int64 = 0
        /// Where the engine leaves gaps by itself: whether nothing can be taken out. `nil`: a gap tells.
        var isGuarded: Bool?
    }

    /// What the ledger has of a resource, and what its meter says.
    struct Debits: Sendable, Equatable {
        var resourceId: Int64
        /// `compute 325`.
        var name: String
        var kind: LedgerKind
        var debited: DebitTotal?
        var due: DebitTotal?
    }

    /// An entry of a team's ledger.
    struct Entry: Sendable, Equatable {
        var teamId: Int64
        var number: Int64

        init(_ row: (teamId: Int64, number: Int64)) { (teamId, number) = row }
    }
}
