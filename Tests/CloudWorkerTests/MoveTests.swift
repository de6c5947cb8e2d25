import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

@testable import CloudWorker

@Suite("The move of a compute to another host")
struct MoveTests {
    static let cancellable = MoveStep.allCases.filter(\.mayBeCancelled)
    /// Those that the guest passes when nothing goes wrong.
    static let usual: [MoveStep] = [.departure, .arrival, .copy, .switched, .leaving]

    @Test("takes machine, rows, rooms and network to the other host, while the compute stays RUNNING")
    func whole() async throws {
        try await MoveCloud.with { moving in
            let rooms = { @Sendable in
                try await moving.cloud.database.read { sql in try sql.hosts.list().map(\.taken.vcpus) }
            }
            _ = try await moving.begin()
            #expect(try await rooms() == [1, 1], "room on both")
            for step in Self.usual {
                try await moving.go(until: step)
                #expect(try await moving.cloud.state("1") == "RUNNING")
                #expect(try await rooms() == [1, 1], "\(step)")
                for site in moving.sites { try await site.supervisor.look() }
                try await moving.expectSound()
            }
            #expect(await moving.destination.host.running == [1])
            try await moving.settle()
            #expect(try await rooms() == [0, 1])
            try await moving.expect(on: moving.destination, others: [moving.source])
            #expect(try await moving.kinds() == ["compute.move.begun", "compute.moved"])
            _ = try await moving.cloud.act(.stop, on: "1")
            try await moving.settle()
            #expect(try await moving.cloud.state("1") == "STOPPED")
            _ = try await moving.cloud.act(.delete, on: "1")
            try await moving.settle()
            #expect(try await rooms() == [0, 0])
        }
    }

    @Test("there and back leaves nothing behind")
    func back() async throws {
        try await MoveCloud.with { moving in
            for (name, here, there) in [
                ("host-2", moving.source, moving.destination), ("host-1", moving.destination, moving.source),
            ] {
                #expect(try await moving.begin(to: name).destinationId == there.id)
                try await moving.settle()
                try await moving.expect(on: there, others: [here])
            }
        }
    }

    @Test(
        "gives way to what its owner asks for before the guest has switched", arguments: cancellable,
        [ComputeAction.stop, .reboot, .delete])
    func ownerFirst(_ step: MoveStep, _ action: ComputeAction) async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: step)
            _ = try await moving.cloud.act(action, on: "1")
            try await moving.settle()
            #expect(try await moving.kinds() == ["compute.move.begun", "compute.move.failed"])
            let reason = try await moving.cloud.database.read { sql in
                try sql.events.list(resourceId: 1, limit: 50).first { $0.kind == "compute.move.failed" }?
                    .detail
            }
            #expect(reason == "its owner asked for '\(action.rawValue)' meanwhile")
            guard action != .delete else {
                #expect(await moving.source.host.inventory().isEmpty)
                #expect(await moving.destination.host.inventory().isEmpty)
                return try await moving.expectSound()
            }
            let state = action == .stop ? "STOPPED" : "RUNNING"
            try await moving.expect(on: moving.source, others: [moving.destination], state: state)
        }
    }

    @Test(
        "is waited for by what its owner asks for afterwards", arguments: [MoveStep.switched, .leaving],
        [ComputeAction.stop, .reboot, .delete])
    func ownerWaits(_ step: MoveStep, _ action: ComputeAction) async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: step)
            _ = try await moving.cloud.act(action, on: "1")
            try await moving.settle()
            #expect(try await moving.kinds() == ["compute.move.begun", "compute.moved"])
            guard action != .delete else {
                #expect(await moving.source.host.inventory().isEmpty)
                #expect(await moving.destination.host.inventory().isEmpty)
                return try await moving.expectSound()
            }
            let state = action == .stop ? "STOPPED" : "RUNNING"
            try await moving.expect(on: moving.destination, others: [moving.source], state: state)
        }
    }

    @Test("of a guest that crashes ends, and the compute is STOPPED where it is", arguments: usual)
    func crash(_ step: MoveStep) async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: step)
            let home = step.home == .source ? moving.source : moving.destination
            await home.host.lose(1)
            try await moving.settle()
            // What stands still at its source goes on there when its destination loses it.
            if step == .switched {
                return try await moving.expect(on: moving.source, others: [moving.destination])
            }
            for site in moving.sites { try await site.supervisor.look() }
            try await moving.settle()
            let there = step == .leaving
            try await moving.expect(
                on: there ? moving.destination : moving.source,
                others: [there ? moving.source : moving.destination], state: "STOPPED")
        }
    }

    @Test("that does not end in time is called off", arguments: cancellable)
    func late(_ step: MoveStep) async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: step)
            moving.cloud.clock.advance(milliseconds: Move.limitMs)
            try await moving.source.supervisor.look()
            try await moving.settle()
            try await moving.expect(on: moving.source, others: [moving.destination])
            #expect(try await moving.kinds().last == "compute.move.failed")
        }
    }

    @Test("whose destination falls silent holds up neither guest nor owner", arguments: cancellable)
    func destinationDown(_ step: MoveStep) async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: step)
            _ = try await moving.cloud.act(.stop, on: "1")
            try await moving.settle([moving.source])
            #expect(try await moving.cloud.state("1") == "STOPPED")
            #expect(try await moving.step() == (step == .departure ? nil : .returned))
            if step != .departure {
                let error = await #expect(throws: CloudError.self) {
                    try await MoveCompute(id: 1).run(in: moving.cloud.cloud)
                }
                #expect(error?.code == .conflict)
            }
            try await moving.settle()
            try await moving.expect(on: moving.source, others: [moving.destination], state: "STOPPED")
        }
    }

    @Test("whose source falls silent is given up by the destination after its time")
    func sourceDown() async throws {
        for step in [MoveStep.arrival, .copy] {
            try await MoveCloud.with { moving in
                try await moving.begin(until: step)
                moving.cloud.clock.advance(milliseconds: Move.limitMs)
                try await moving.destination.supervisor.look()
                try await moving.settle([moving.destination])
                #expect(try await moving.step() == .withdrawn)
                #expect(await moving.destination.host.inventory().isEmpty)
                try await moving.settle()
                try await moving.expect(on: moving.source, others: [moving.destination])
            }
        }
    }

    @Test("never lets a guest go on at its source that the destination may have started")
    func switchedAndDown() async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: .switched)
            moving.cloud.clock.advance(milliseconds: 10 * Move.limitMs)
            _ = try await moving.cloud.act(.reboot, on: "1")
            try await moving.settle([moving.source])
            #expect(try await moving.step() == .switched)
            #expect(await moving.source.host.running == [])
            try await moving.settle()
            try await moving.expect(on: moving.destination, others: [moving.source])
        }
    }

    @Test("to a host that reboots before it lets the guest go on brings the guest back")
    func destinationReboots() async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: .switched)
            try await moving.destination.host.halt(1)
            await moving.destination.host.set(bootId: "second")
            try await moving.destination.worker.start()
            try await moving.settle()
            try await moving.expect(on: moving.source, others: [moving.destination])
            #expect(try await moving.kinds() == ["compute.move.begun", "compute.move.failed"])
        }
    }

    @Test("from a host that reboots leaves the guest there, started again", arguments: cancellable)
    func sourceReboots(_ step: MoveStep) async throws {
        try await MoveCloud.with { moving in
            try await moving.begin(until: step)
            try await moving.source.host.halt(1)
            await moving.source.host.set(bootId: "second")
            try await moving.source.worker.start()
            try await moving.settle()
            try await moving.expect(on: moving.source, others: [moving.destination])
        }
    }
}
