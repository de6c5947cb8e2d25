import CloudCore
import Testing

@Suite("The standing of a team")
struct StandingTests {
    @Test("forbids what costs more, and never what ends a cost")
    func table() {
        let forbidden: [TeamStanding: Set<ComputeAction>] = [
            .active: [], .pastDue: [.create, .upsize],
            .suspended: [.create, .upsize, .start, .reboot, .restore, .update],
            .terminated: [.create, .upsize, .start, .reboot, .restore, .update],
        ]
        for standing in TeamStanding.allCases {
            for action in ComputeAction.asked {
                #expect(standing.allows(action) == !(forbidden[standing] ?? []).contains(action))
            }
        }
    }

    @Test(
        "a refusal has the standing's code",
        arguments: [
            (TeamStanding.pastDue, false, ErrorCode.teamPastDue), (.suspended, false, .teamSuspended),
            (.active, true, .teamSuspended), (.pastDue, true, .teamSuspended),
            (.terminated, false, .teamTerminated), (.terminated, true, .teamTerminated),
        ])
    func codes(_ standing: TeamStanding, byOperator: Bool, code: ErrorCode) throws {
        let wallet = wallet(-1500, standing, byOperator: byOperator)
        let error = try #require(throws: CloudError.self) { try wallet.check(.create) }
        #expect(error.code == code)
        #expect(error.message.contains("'create'"))
        let namesBalance = error.message.contains("-1.500 RWF")
        #expect(namesBalance || (byOperator && code == .teamSuspended))
        try wallet.check(.delete)
    }

    static let day: Int64 = 86_400_000
    static let moves: [(TeamStanding, balance: Int64, billed: Bool, heldMs: Int64, TeamStanding)] = [
        (.active, 1, true, 0, .active), (.active, 0, true, 0, .pastDue), (.active, 0, false, 0, .active),
        (.active, -1, false, 0, .pastDue), (.pastDue, -1, true, 7 * day - 1, .pastDue),
        (.pastDue, -1, true, 7 * day, .suspended), (.pastDue, 0, false, 99 * day, .suspended),
        (.pastDue, 1, true, 99 * day, .active), (.suspended, -1, true, 30 * day - 1, .suspended),
        (.suspended, -1, true, 30 * day, .terminated), (.suspended, 1, true, 0, .active),
        (.terminated, 1, true, 0, .terminated), (.terminated, -1, true, 0, .terminated),
    ]

    @Test("moves by one step at a time, when its time is over", arguments: moves)
    func move(_ from: TeamStanding, balance: Int64, billed: Bool, heldMs: Int64, to: TeamStanding) {
        let next = wallet(balance, from).nextStanding(
            isBilled: billed, BillingSettings(isOn: true, pastDueDays: 7, suspendedDays: 30),
            nowMs: 1000 + heldMs)
        #expect(next == to)
    }

    @Test("where nothing is billed the balance suspends nobody", arguments: TeamStanding.allCases)
    func off(_ from: TeamStanding) {
        let next = wallet(-1, from).nextStanding(isBilled: true, .off, nowMs: 1000)
        #expect(next == (from == .terminated ? .terminated : .active))
    }

    private func wallet(_ balance: Int64, _ standing: TeamStanding, byOperator: Bool = false) -> Wallet {
        Wallet(
            teamId: 1, balanceMilliRwf: balance, standingByBalance: standing, standingSinceMs: 1000,
            isSuspendedByOperator: byOperator)
    }
}
