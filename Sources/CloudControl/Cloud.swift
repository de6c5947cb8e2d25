import CloudCore
import CloudDatabase

/// All that the verbs work on. Clock and random numbers come from outside, so that a simulation can bring its own.
public struct Cloud: Sendable {
    public var database: any Database
    public var catalogue: Catalogue
    public var settings: CloudSettings
    public var clock: any CloudClock
    /// That many bytes that nobody can guess.
    public var randomBytes: @Sendable (Int) -> [UInt8]
    /// Tells the worker that a job may be due. Carries no data: the database is the truth.
    public var wake: @Sendable () -> Void
    /// The host that this program's own worker has; `nil`: none. It is never down for this program, even when its heartbeat
    /// could not be written: this program works.
    public var ownHost: @Sendable () -> OwnedHost?
    /// Bytes of the disk in the image of that name, where this program has the image; `nil`: not known. Called within
    /// transactions, so it must not wait.
    public var imageBytes: @Sendable (_ image: String) -> Int64? = { _ in nil }
    /// The way to hosts, for what they answer at once.
    public var hostLinks: any HostLinks = NoHostLinks()
    public let keyUse = KeyUse()

    public init(
        database: any Database, catalogue: Catalogue, settings: CloudSettings,
        clock: any CloudClock = SystemClock(),
        randomBytes: @escaping @Sendable (Int) -> [UInt8],
        wake: @escaping @Sendable () -> Void, ownHost: @escaping @Sendable () -> OwnedHost? = { nil }
    ) {
        self.database = database
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
        self.randomBytes = randomBytes
        self.wake = wake
        self.ownHost = ownHost
    }
}

/// What the operator decided for the whole cell.
public struct CloudSettings: Sendable, Equatable {
    /// Team networks are cut from this block.
    public var privateRange: IPv4Network
    /// Prefix length of a team's network, 16 to 28.
    public var teamPrefix: Int
    /// Blocks of public addresses, used in this order.
    public var publicPool: [IPv4Network]
    /// How long a public address that was given back rests, in milliseconds, as long as the pool has others.
    public var publicRestMs: Int64
    /// Ports of the host's loopback that lead to guests' SSH; `nil` where guests have a network of their own.
    public var sshPorts: ClosedRange<Int>?
    /// Refuse keys of a known type that no SSH server accepts, instead of warning.
    public var strictKeys: Bool
    /// Which of the hosts that have room a new compute gets.
    public var placement: Placement.Policy
    /// Requests that one API key may send in a second; 0: any number.
    public var rateLimit: Int
    /// Requests that all keys of a team may send in a second together; 0: any number.
    public var teamRateLimit: Int
    /// Requests without a valid key that one address may send in a second; 0: any number, which is for tests alone. No setting
    /// changes it, so that nobody opens a server to whoever guesses keys.
    public var peerRateLimit: Int
    public var billing: BillingSettings
    /// Bytes of the largest file that an image is made of.
    public var maxImageBytes: Int64
    /// The API as guests reach it, base path included; `nil`: by the metadata service.
    public var apiUrl: String?

    public init(
        privateRange: IPv4Network, teamPrefix: Int = 22, publicPool: [IPv4Network],
        publicRestMs: Int64 = 3_600_000,
        sshPorts: ClosedRange<Int>? = nil,
        strictKeys: Bool = false, placement: Placement.Policy = .spread, rateLimit: Int = 0,
        teamRateLimit: Int = 0, peerRateLimit: Int = 100,
        billing: BillingSettings = .off, maxImageBytes: Int64 = 32 << 30, apiUrl: String? = nil
    ) {
        self.privateRange = privateRange
        self.teamPrefix = teamPrefix
        self.publicPool = publicPool
        self.publicRestMs = publicRestMs
        self.sshPorts = sshPorts
        self.strictKeys = strictKeys
        self.placement = placement
        self.rateLimit = rateLimit
        self.teamRateLimit = teamRateLimit
        self.peerRateLimit = peerRateLimit
        self.billing = billing
        self.maxImageBytes = maxImageBytes
        self.apiUrl = apiUrl
    }
}
