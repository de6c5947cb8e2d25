import Synchronization

/// Something that is not as promised.
public struct Finding: Sendable, Equatable, CustomStringConvertible {
    /// Which promise: a raw value of `ClientPromise` or of the audit's `Invariant`.
    public var invariant: String
    public var what: String

    public var description: String { "\(invariant): \(what)" }
}

/// What the audit can't know to be broken, which looks at one moment of the hosts.
public enum ClientPromise: String, Sendable, CaseIterable {
    /// The same request with the same key gets the same answer, byte for byte.
    case sameKeySameAnswer = "same-key-same-answer"
    /// Another request with the same key is refused with 422.
    case keyTellsRequestsApart = "key-tells-requests-apart"
    /// What was accepted is there: RUNNING, or STOPPED or FAILED for a reason.
    case acceptedCreateIsThere = "accepted-create-is-there"
    /// A snapshot that was accepted is there: READY, or FAILED for a reason.
    case acceptedSnapshotIsThere = "accepted-snapshot-is-there"
    /// What was deleted ends in 404.
    case acceptedDeleteEnds = "accepted-delete-ends"
    /// All work comes to an end once nothing goes wrong any more.
    case comesToRest = "comes-to-rest"
    /// A guest runs on one host at most, wherever it moves.
    case guestRunsOnce = "guest-runs-once"
    /// No answer is one that the contract does not have for the request.
    case answerIsInTheContract = "answer-is-in-the-contract"
}

/// What the clients were told, and where it was not kept.
final class Promises: Sendable {
    /// A key of one team's.
    struct Slot: Hashable, Comparable {
        var team: Int
        var slot: Int

        static func < (left: Slot, right: Slot) -> Bool { (left.team, left.slot) < (right.team, right.slot) }
    }

    /// A create that was accepted.
    struct Accepted: Sendable, Equatable {
        var id: Int64
        /// Index into the pool of bodies.
        var body: Int
        var answer: String
    }

    private struct State {
        var accepted: [Slot: Accepted] = [:]
        var snapshots: [Slot: Int64] = [:]
        /// Computes that somebody has asked to delete, or to stop, whatever became of it.
        var deletesSent: Set<Int64> = []
        var stopsSent: Set<Int64> = []
        var deletesAccepted: Set<Int64> = []
        var findings: [Finding] = []
    }

    private let state = Mutex(State())

    var findings: [Finding] { state.withLock { $0.findings } }

    /// Every create that was accepted, in a fixed order.
    var accepted: [(slot: Slot, create: Accepted)] {
        state.withLock { $0.accepted.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// Every snapshot that was accepted, by the slot of its compute.
    var snapshots: [Slot: Int64] { state.withLock { $0.snapshots } }

    /// Judges the answer to a snapshot, which the same key always gets again.
    func accepted(snapshotOf slot: Slot, _ answer: Program.Answer) {
        guard let id = AnswerFields(answer).id else {
            return broke(.answerIsInTheContract, "a snapshot's answer names none: \(answer.text)")
        }
        let first = state.withLock { state in
            let first = state.snapshots[slot]
            state.snapshots[slot] = first ?? id
            return first
        }
        guard let first, first != id else { return }
        broke(.sameKeySameAnswer, "a retry of snapshot \(first) has another answer, of snapshot \(id)")
    }

    subscript(slot: Slot) -> Accepted? { state.withLock { $0.accepted[slot] } }

    func sending(deleteOf id: Int64) { state.withLock { _ = $0.deletesSent.insert(id) } }

    func sending(stopOf id: Int64) { state.withLock { _ = $0.stopsSent.insert(id) } }

    func accepted(deleteOf id: Int64) { state.withLock { _ = $0.deletesAccepted.insert(id) } }

    func mayBeGone(_ id: Int64) -> Bool { state.withLock { $0.deletesSent.contains(id) } }

    func mayBeStopped(_ id: Int64) -> Bool { state.withLock { $0.stopsSent.contains(id) } }

    func mustBeGone(_ id: Int64) -> Bool { state.withLock { $0.deletesAccepted.contains(id) } }

    func broke(_ promise: ClientPromise, _ what: String) {
        add([Finding(invariant: promise.rawValue, what: what)])
    }

    func add(_ findings: [Finding]) { state.withLock { $0.findings += findings } }

    /// Judges the answer to a create.
    /// - Parameter known: what was accepted with this key before the request was sent.
    func answered(_ slot: Slot, body: Int, known: Accepted?, _ answer: Program.Answer) {
        switch answer.status {
        case 202: accepted(slot, body: body, answer)
        case 422:
            if let known, known.body == body {
                broke(.sameKeySameAnswer, "a retry of compute \(known.id)'s create is answered 422")
            }
        case 500...599: break
        case 402, 403:
            if let known {
                broke(
                    .sameKeySameAnswer, "a retry of compute \(known.id)'s create is answered \(answer.status)"
                )
            }
        default:
            broke(.answerIsInTheContract, "a create is answered \(answer.status): \(answer.text)")
        }
    }

    private func accepted(_ slot: Slot, body: Int, _ answer: Program.Answer) {
        guard let id = AnswerFields(answer).id else {
            return broke(.answerIsInTheContract, "a create's answer names no compute: \(answer.text)")
        }
        let first = state.withLock { state in
            let first = state.accepted[slot]
            if first == nil { state.accepted[slot] = Accepted(id: id, body: body, answer: answer.text) }
            return first
        }
        guard let first else { return }
        if first.body != body {
            broke(
                .keyTellsRequestsApart,
                "the key of compute \(first.id)'s create is taken for another request too, with compute \(id)"
            )
        } else if first.answer != answer.text {
            broke(
                .sameKeySameAnswer,
                "a retry of compute \(first.id)'s create has another answer, of compute \(id)")
        }
    }
}
