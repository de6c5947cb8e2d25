import CloudMachines
import CloudTesting
import Testing

@testable import CloudWorker

@Suite("Boot slots")
struct BootSlotTests {
    @Test(
        "guests that never answer hold their team's boot slots for a minute, and another team's turn comes then"
    )
    func silentGuests() async throws {
        try await TestCloud.with(bootSlots: 2) { cloud in
            await cloud.host.set(sshAnswers: false)
            for _ in 0..<6 { _ = try await cloud.create() }
            try await cloud.settle(limit: Self.halfSecond)
            #expect(await cloud.host.running.count == 2)
            let answer = try await cloud.create(as: .stranger)
            let other = try #require(answer.data?["id"]?.string.flatMap { Int64($0) })
            try await cloud.settle(limit: Self.halfSecond)
            #expect(await cloud.host.running.count == 2, "no slot is free")
            cloud.clock.advance(milliseconds: BootSlots.bootMs - 3000)
            try await cloud.settle(limit: Self.halfSecond)
            #expect(await cloud.host.running.count == 2)
            cloud.clock.advance(milliseconds: 3000)
            try await cloud.settle(limit: Self.halfSecond)
            let running = await cloud.host.running
            #expect(running.count == 4 && running.contains(other), "one of each team: \(running)")
        }
    }

    /// Rounds of a booting guest's looks that take half a second together.
    private static let halfSecond = Int(500 / ComputeWorkflow.confirmPollMs)

    @Test("with one slot, teams that wait for it take turns, however many guests one of them has")
    func turns() async throws {
        try await TestCloud.with(bootSlots: 1) { cloud in
            await cloud.host.set(sshAnswers: false)
            for _ in 0..<4 { _ = try await cloud.create() }
            try await cloud.settle()
            var others: Set<Int64> = []
            for _ in 0..<2 {
                let answer = try await cloud.create(as: .stranger)
                others.insert(try #require(answer.data?["id"]?.string.flatMap { Int64($0) }))
            }
            try await cloud.settle()
            var booted: [Bool] = []
            var before = await cloud.host.running
            for _ in 0..<5 {
                cloud.clock.advance(milliseconds: BootSlots.bootMs)
                try await cloud.settle()
                let now = await cloud.host.running
                booted += now.subtracting(before).map(others.contains)
                before = now
            }
            #expect(booted == [true, false, true, false, false])
        }
    }
}
