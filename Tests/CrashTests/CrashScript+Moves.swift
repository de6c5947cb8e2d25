import CloudControl
import CloudCore
import CloudMachines
import CloudTesting
import Testing

extension CrashScript {
    /// Moves of a compute to a second host.
    static let moves: [CrashScript] = [
        CrashScript(
            "a move", prepare: { try await $0.makeTwoHosts() },
            run: { world in
                try await world.beginMove()
                try await world.settle()
                try await world.expectOnce(on: 2)
            }),
        CrashScript(
            "a move whose owner wants something else", prepare: { try await $0.makeMoving(until: .copy) },
            run: { world in
                try await world.change(.stop)
                try await world.expectOnce(on: nil)
            }),
        CrashScript(
            "a move that is called off while its source is away",
            prepare: { try await $0.makeMoving(until: .copy) },
            run: { world in
                world.clock.advance(milliseconds: Move.limitMs)
                try await world.settle([1])
                try await world.settle()
                try await world.expectOnce(on: 1)
            }),
        CrashScript(
            "a move that is called off while its destination is away",
            prepare: { try await $0.makeMoving(until: .copy) },
            run: { world in
                world.clock.advance(milliseconds: Move.limitMs)
                try await world.settle([0])
                try await world.settle()
                try await world.expectOnce(on: 1)
            }),
        CrashScript(
            "a move that its destination can't end", prepare: { try await $0.makeMoving(until: .switched) },
            run: { world in
                await world.second?.lose(1)
                try await world.settle()
                try await world.expectOnce(on: 1)
            }),
    ]
}

extension CrashWorld {
    func makeTwoHosts() async throws {
        try await makeRunning()
        try await addHost(SimulatedHost())
    }

    func makeMoving(until step: MoveStep) async throws {
        try await makeTwoHosts()
        try await beginMove()
        try await go(until: step)
    }

    func beginMove() async throws {
        _ = try await insist("the move") { try await MoveCompute(id: 1).run(in: $0.cloud) }
    }

    /// The guest runs on the host of that number alone, or nowhere.
    func expectOnce(on number: Int?) async throws {
        let running = [await simulated?.running ?? [], await second?.running ?? []]
        #expect(running == (1...2).map { $0 == number ? [1] : [] })
    }
}
