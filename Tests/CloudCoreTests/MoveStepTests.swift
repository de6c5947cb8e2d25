import CloudCore
import Testing

@Suite("The steps of a move")
struct MoveStepTests {
    private func move(_ action: MoveAction, _ step: MoveStep) -> Move {
        var move = Move(
            computeId: 1, sourceId: 2, destinationId: 3, room: Resources(vcpus: 1), begunAtMs: 1000)
        move.job = Job(action, step, sinceMs: 1000)
        return move
    }

    @Test("are each on the way of an action, and no action has one twice")
    func ways() {
        #expect(Set(MoveAction.allCases.flatMap(\.steps)) == Set(MoveStep.allCases))
        for action in MoveAction.allCases { #expect(Set(action.steps).count == action.steps.count) }
    }

    @Test("are called off by the time where the guest can't have gone on elsewhere")
    func late() {
        for step in MoveStep.allCases {
            let move = move(.move, step)
            #expect(move.lateReason(nowMs: 999 + Move.limitMs) == nil)
            #expect(
                (move.lateReason(nowMs: 1000 + Move.limitMs) != nil)
                    == [.departure, .arrival, .copy].contains(step))
        }
    }

    @Test("let the guest be on one host at a time, and that change in two steps alone")
    func home() {
        for action in MoveAction.allCases {
            for (step, next) in zip(action.steps, action.steps.dropFirst()) where step.home != next.home {
                #expect([step, next] == [.copy, .switched] || [step, next] == [.refused, .withdrawn])
            }
        }
        #expect(move(.move, .switched).otherHostId == 2)
        #expect(move(.move, .copy).otherHostId == 3)
    }

    @Test("hold the compute's job until the guest is where it stays, and never take it again")
    func holds() {
        for action in MoveAction.allCases {
            let held = action.steps.map(\.holdsJob)
            #expect(held == held.sorted { $0 && !$1 }, "\(action)")
        }
    }
}
