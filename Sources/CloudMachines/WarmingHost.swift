import CloudCore

/// A host that can boot guests ahead of the computes that they become. `QEMUHost` and `SimulatedHost` conform.
///
/// A guest that is booted ahead is nobody's: it has neither a name nor a key nor a network card, and stands still at the
/// first look at its seed, where it costs memory alone. `makeDisk` of a machine that would be the same gives it to that
/// machine, for good; `makeSeed` then says who it is, and `boot` plugs the network in and lets it go on. No guest is ever
/// taken back, and none is taken twice.
///
/// Each call looks first and acts second, and can be repeated after a crash at any point. Calls for one guest never
/// overlap.
public protocol WarmingHost: MachineHost {
    /// What a guest of the image and the specification would be like if it were started now; guests that are alike can
    /// stand for each other. `nil`: the image is not ready, and is on its way if it can be had.
    func warmKind(_ image: Image, _ specification: Specification) async throws -> String?

    /// The guests that are booted ahead, by number: those that were taken are no longer among them.
    func warmGuests() async throws -> [WarmGuest]

    /// Starts one more, of an image that is ready, and returns its number: no other has or had it. Returns once its
    /// process runs; `warmGuests` says when it is ready.
    func warm(_ image: Image, _ specification: Specification) async throws -> Int64

    /// Ends one and removes all that there is of it. Nothing to remove is success.
    func discardWarm(_ number: Int64) async throws
}

/// A guest that is booted ahead, as the host shows it.
public struct WarmGuest: Sendable, Equatable {
    public var number: Int64
    /// See `WarmingHost.warmKind`.
    public var kind: String
    public var state: State
    /// Milliseconds since 1970.
    public var startedAtMs: Int64

    public enum State: Sendable, Equatable {
        case booting
        /// It stands still before its seed.
        case ready
        /// It has ended, or is of no use.
        case broken
    }

    public init(number: Int64, kind: String, state: State, startedAtMs: Int64) {
        self.number = number
        self.kind = kind
        self.state = state
        self.startedAtMs = startedAtMs
    }
}
