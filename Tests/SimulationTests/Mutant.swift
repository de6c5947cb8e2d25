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

    init(_ what: String, breaks invariant: Invariant, _ sabotage: Sabotage) {
        self.init(what: what, breaks: invariant.rawValue, sabotage: sabotage)
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

    static let all = ofRooms + ofRequests + ofHoldings + ofWork + ofHost + ofMoney + ofEvents + ofMoves
}
