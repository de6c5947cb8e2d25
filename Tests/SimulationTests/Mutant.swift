import CloudAudit
import CloudSimulation
import Testing

/// A planted bug, and the promise that it breaks.
struct Mutant: Sendable, CustomTestStringConvertible {
    /// What the product then does wrong.
    var what: String
    /// A raw value of `Invariant` or `ClientPromise`.
    var breaks: String
    var sabotage: Sabotage
    /// Whether a history has what the bug shows in: no other is tried. For bugs that show in few.
    var canShow: @Sendable (History) -> Bool = { _ in true }

    init(
        _ what: String, breaks invariant: Invariant,
        in canShow: @escaping @Sendable (History) -> Bool = { _ in true },
        _ sabotage: Sabotage
    ) {
        self.init(what: what, breaks: invariant.rawValue, sabotage: sabotage)
        self.canShow = canShow
    }

    init(_ what: String, breaks promise: ClientPromise, _ sabotage: Sabotage) {
        self.init(what: what, breaks: promise.rawValue, sabotage: sabotage)
    }

    private init(what: String, breaks: String, sabotage: Sabotage) {
        self.what = what
        self.breaks = breaks
        self.sabotage = sabotage
    }

    var testDescription: String { "it \(what)" }

    static let all =
        ofRooms + ofRequests + ofHoldings + ofWork + ofHost + ofMoney + ofEvents + ofMoves
        + ofSnapshots
}
