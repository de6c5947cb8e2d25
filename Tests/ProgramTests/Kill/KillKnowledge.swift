import CloudWire
import Foundation

/// What the clients of a run know: what they asked for, what they were answered, and what contradicts that.
actor KillKnowledge {
    /// One create with its key.
    struct Order: Sendable {
        let key: UUID
        let request: CreateComputeWire
        /// `nil`: sent, and no answer came.
        var answer: Answer?
        var deletion = Deletion.none

        var id: String? { answer?.compute.id }
        /// Whether the compute must be there.
        var isAlive: Bool { answer != nil && deletion == .none }
    }

    /// All of an answer that a replay repeats.
    struct Answer: Sendable, Equatable {
        var compute: ComputeWire
        var requestId: String
        var timestamp: String

        init(_ envelope: EnvelopeWire<ComputeWire>) {
            compute = envelope.data
            requestId = envelope.requestId
            timestamp = envelope.timestamp
        }
    }

    enum Deletion: Sendable {
        case none
        /// Asked for, and no answer came.
        case inDoubt
        case accepted
    }

    private(set) var orders: [Order] = []
    /// What must never happen, in words.
    private(set) var faults: [String] = []
    /// Answers that were the same as the first, and those that came only with a repetition.
    private(set) var replays = 0
    private(set) var lateAnswers = 0

    var acknowledged: Int { orders.filter { $0.answer != nil }.count }
    var deleted: Int { orders.filter { $0.deletion == .accepted }.count }
    var alive: Int { orders.filter(\.isAlive).count }

    /// Notes a create that is about to be sent, and returns its number.
    func begin(_ request: CreateComputeWire, key: UUID) -> Int {
        orders.append(Order(key: key, request: request))
        return orders.count - 1
    }

    /// Notes the answer to a create, the first or a later one.
    func answered(_ number: Int, _ envelope: EnvelopeWire<ComputeWire>, isRepetition: Bool) {
        let answer = Answer(envelope)
        guard let first = orders[number].answer else {
            if orders.contains(where: { $0.id == answer.compute.id }) {
                faults.append(
                    "\(orders[number].request.hostName) was given the id \(answer.compute.id) of another")
            }
            orders[number].answer = answer
            if isRepetition { lateAnswers += 1 }
            return
        }
        replays += 1
        if answer != first {
            faults.append("the key of \(first.compute.hostName) was answered with \(answer), not \(first)")
        }
    }

    /// One of the computes that must be there; from now on its end is asked for, by nobody else.
    func takeForDeletion(_ random: inout SeededRandom) -> Int? {
        guard let number = someAlive(&random) else { return nil }
        orders[number].deletion = .inDoubt
        return number
    }

    func set(_ number: Int, deletion: Deletion) { orders[number].deletion = deletion }

    func fault(_ text: String) { faults.append(text) }

    /// One of the computes that must be there.
    func someAlive(_ random: inout SeededRandom) -> Int? {
        orders.indices.filter { orders[$0].isAlive }.randomElement(using: &random)
    }

    /// One of the creates that were answered.
    func someAnswered(_ random: inout SeededRandom) -> Int? {
        orders.indices.filter { orders[$0].answer != nil }.randomElement(using: &random)
    }
}
