import CloudCore
import Testing

@Suite("The phases of a move")
struct MovePhaseTests {
    private func move(_ phase: MovePhase) -> Move {
        var move = Move(
            computeId: 1, sourceId: 2, destinationId: 3, room: Resources(vcpus: 1), begunAtMs: 1000)
        move.phase = phase
        return move
    }

    @Test("let the host act whose turn it is, once it is due", arguments: MovePhase.allCases)
    func turns(_ phase: MovePhase) {
        for side in MoveSide.allCases {
            #expect((move(phase).act(of: side, nowMs: 1000) == .goOn) == phase.actors.contains(side))
            #expect(move(phase).act(of: side, nowMs: 999) == nil)
        }
    }

    @Test(
        "are called off by owner and deadline, by either host, where the guest can't have gone on elsewhere")
    func cancelled() {
        for phase in MovePhase.allCases {
            var asked = move(phase)
            asked.action = .stop
            for side in MoveSide.allCases {
                for act in [
                    asked.act(of: side, nowMs: 999), move(phase).act(of: side, nowMs: 1000 + Move.limitMs),
                ] {
                    var isCancelled = false
                    if case .cancel = act { isCancelled = true }
                    #expect(isCancelled == [.departure, .arrival, .copy].contains(phase))
                }
            }
        }
    }

    @Test("wait for a step of the job that has begun, and for no other")
    func lease() {
        for phase in MovePhase.allCases where phase.actors.contains(.source) {
            var leased = move(phase)
            leased.leaseUntilMs = 2000
            #expect((leased.act(of: .source, nowMs: 1999) == nil) == (phase == .departure))
            #expect(leased.act(of: .source, nowMs: 2000) == .goOn)
        }
    }

    @Test("end with the clearing up of each host, in any order")
    func settled() {
        #expect(MovePhase.cancelled.settled(by: .source) == .returned)
        #expect(MovePhase.cancelled.settled(by: .destination) == .withdrawn)
        for phase in [MovePhase.returned, .withdrawn, .leaving] {
            #expect(phase.actors.count == 1)
            for side in phase.actors { #expect(phase.settled(by: side) == nil) }
        }
    }

    @Test("are due when their hosts have something to do")
    func next() {
        #expect(move(.copy).nextMs(of: .source) == 1000)
        #expect(move(.copy).nextMs(of: .destination) == 1000 + Move.limitMs)
        #expect(move(.switched).nextMs(of: .source) == nil)
        #expect(move(.switched).otherHostId == 2)
        #expect(move(.copy).otherHostId == 3)
    }
}
