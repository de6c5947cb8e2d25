import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("Start, stop, reboot and upsize")
struct PowerTests {
    @Test("a stopped compute keeps its disk and addresses, and starts with them again")
    func stopAndStart() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
            let before = try await cloud.send(.get, "/computes/\(id)")
            try await act(.stop, id, cloud, shows: "RUNNING")
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(await cloud.host.running.isEmpty)
            #expect(await cloud.host.disks == [1])
            try await act(.start, id, cloud, shows: "STARTING")
            let after = try await cloud.send(.get, "/computes/\(id)")
            #expect(after.data?["state"]?.string == "RUNNING")
            for member in ["ipv4", "privateIpv4"] { #expect(after.data?[member] == before.data?[member]) }
            #expect(
                try await kinds(cloud) == [
                    "compute.created", "compute.running", "compute.stop.requested", "compute.stopped",
                    "compute.start.requested", "compute.running",
                ])
        }
    }

    @Test("a guest that heeds its power button is not forced; one that does not is, when its grace is over")
    func grace() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(heedsPowerButton: false)
            _ = try await cloud.act(.stop, on: id)
            try await cloud.worker.runDueJobs()
            let task = try await cloud.send(.get, "/computes/\(id)").data?["task"]
            #expect(task?["action"]?.string == "stop")
            #expect(task?["step"]?.string == "stopping")
            #expect(task?["note"]?.string?.contains("60 s") == true)
            cloud.clock.advance(milliseconds: 59_999)
            try await cloud.worker.runDueJobs()
            #expect(await cloud.host.running == [1], "within its grace the guest goes on")
            cloud.clock.advance(milliseconds: 1)
            try await cloud.worker.runDueJobs()
            #expect(await cloud.host.running.isEmpty)
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(await cloud.host.calls[.pressPowerButton] == 1)
        }
    }

    @Test("a reboot goes through the power button to a fresh machine")
    func reboot() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            try await act(.reboot, id, cloud, shows: "REBOOTING")
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(await cloud.host.calls[.pressPowerButton] == 1)
            #expect(await cloud.host.calls[.boot] == 2)
            #expect(await cloud.host.running == [1])
        }
    }

    @Test("a start comes up with the size of an upsize")
    func upsizeThenStart() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            try await act(.stop, id, cloud, shows: "RUNNING")
            _ = try await cloud.act(.upsize, on: id)
            _ = try await cloud.act(.start, on: id)
            try await cloud.settle()
            #expect(await cloud.host.diskSizes[1] == 80)
            #expect(await cloud.host.seeds[1]?.vcpus == 2)
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test(
        "a stop goes before a start or reboot that is under way", arguments: [ComputeAction.start, .reboot])
    func stopGoesFirst(_ action: ComputeAction) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            if action == .start { try await act(.stop, id, cloud, shows: "RUNNING") }
            await cloud.host.set(sshAnswers: false)
            _ = try await cloud.act(action, on: id)
            try await cloud.worker.runDueJobs()
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(await cloud.host.running.isEmpty)
        }
    }

    @Test(
        "a delete goes before everything, and leaves nothing",
        arguments: [ComputeAction.start, .stop, .reboot, .upsize])
    func deleteGoesFirst(_ action: ComputeAction) async throws {
        for step in action.steps {
            try await TestCloud.with { cloud in
                let id = try await cloud.createAndSettle()
                if [.start, .upsize].contains(action) { try await act(.stop, id, cloud, shows: "RUNNING") }
                try await cloud.cloud.database.write { sql in
                    try sql.jobs.begin(action, 1, nowMs: 0)
                    try sql.jobs.move(1, to: step, nowMs: 0)
                }
                _ = try await cloud.act(.delete, on: id)
                try await cloud.settle()
                #expect(try await cloud.state(id) == nil, "\(action) at \(step)")
                #expect(await cloud.host.inventory().isEmpty, "\(action) at \(step)")
            }
        }
    }

    @Test("a guest that powers itself off becomes STOPPED, says why, and can be started")
    func powersItselfOff() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.powerOff(1)
            try await cloud.supervisor.look()
            try await cloud.worker.runDueJobs()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "STOPPED")
            #expect(answer.data?["failure"]?["code"]?.string == "GUEST_STOPPED")
            #expect(await cloud.host.poweredOff.isEmpty, "its process is halted")
            try await act(.start, id, cloud, shows: "STARTING")
            #expect(try await cloud.send(.get, "/computes/\(id)").data?["failure"] == nil)
        }
    }

    @Test("a start whose disk is gone ends STOPPED with the reason, and makes no other disk")
    func startFails() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            try await act(.stop, id, cloud, shows: "RUNNING")
            await cloud.host.loseDisk(1)
            try await act(.start, id, cloud, shows: "STARTING")
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "STOPPED")
            #expect(answer.data?["failure"]?["code"]?.string == "DISK_LOST")
            #expect(answer.data?["failure"]?["message"]?.string?.contains("disk is gone") == true)
            #expect(await cloud.host.disks.isEmpty)
            #expect(answer.data?["privateIpv4"] != nil)
        }
    }

    @Test("a start needs nothing of its image, which may have left the catalogue")
    func startWithoutImage() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            try await act(.stop, id, cloud, shows: "RUNNING")
            await cloud.host.set(imageStatus: .unavailable("it is gone"))
            try await act(.start, id, cloud, shows: "STARTING")
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test("a start that is asked for while the disk grows comes up, with the larger disk")
    func startWhileGrowing() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            try await act(.stop, id, cloud, shows: "RUNNING")
            let gate = Gate()
            await cloud.host.set(visit: { operation, id in if operation == .growDisk { await gate.pass(id) } }
            )
            _ = try await cloud.act(.upsize, on: id)
            async let worked: Void = cloud.worker.runDueJobs()
            try await eventually("the disk grows") { await gate.arrivals == [1] }
            _ = try await cloud.act(.start, on: id)
            #expect(try await cloud.state(id) == "STARTING")
            await gate.open()
            try await worked
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(await cloud.host.running == [1])
            #expect(await cloud.host.diskSizes[1] == 80)
        }
    }

    @Test("a guest that ends while it is rebooted ends STOPPED with the reason")
    func rebootFails() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(sshAnswers: false)
            _ = try await cloud.act(.reboot, on: id)
            try await cloud.worker.runDueJobs()
            #expect(try await cloud.state(id) == "REBOOTING")
            await cloud.host.lose(1)
            try await cloud.settle()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "STOPPED")
            #expect(answer.data?["failure"]?["code"]?.string == "HOST_FAILED")
        }
    }

    @Test("a started guest whose SSH server is not reached is RUNNING, never taken away, and says so")
    func unreachable() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(sshAnswers: false)
            _ = try await cloud.act(.reboot, on: id)
            try await cloud.worker.runDueJobs()
            cloud.clock.advance(milliseconds: 300_000)
            try await cloud.worker.runDueJobs()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "RUNNING")
            #expect(answer.data?["failure"]?["code"]?.string == "SSH_UNREACHABLE")
            #expect(answer.data?["task"] == nil)
            #expect(await cloud.host.running == [1])
        }
    }

    @Test(
        "a fault before or after any effect of an action is survived",
        arguments: [ComputeAction.stop, .start, .reboot, .upsize], SimulatedHost.Operation.allCases)
    func oneFault(_ action: ComputeAction, _ operation: SimulatedHost.Operation) async throws {
        guard Self.operations[action]?.contains(operation) == true else { return }
        for moment in SimulatedHost.Moment.allCases {
            try await TestCloud.with { cloud in
                let id = try await cloud.createAndSettle()
                if [.start, .upsize].contains(action) { try await act(.stop, id, cloud, shows: "RUNNING") }
                let faults = OneFault(operation, moment)
                await cloud.host.set(fault: { try faults.meet($0, $1) })
                _ = try await cloud.act(action, on: id)
                try await cloud.settle()
                #expect(faults.wasMet, "the fault at \(operation) \(moment) was never reached")
                let isUp = [.start, .reboot].contains(action)
                #expect(try await cloud.state(id) == (isUp ? "RUNNING" : "STOPPED"))
                #expect(await cloud.host.running == (isUp ? [1] : []))
            }
        }
    }

    /// What an action does to a host.
    private static let operations: [ComputeAction: Set<SimulatedHost.Operation>] = [
        .stop: [.pressPowerButton, .halt], .start: [.growDisk, .makeSeed, .applyNetwork, .boot],
        .reboot: [.pressPowerButton, .halt, .growDisk, .makeSeed, .applyNetwork, .boot], .upsize: [.growDisk],
    ]

    @Test("a monitor that can't be asked is no reason to let a guest run on")
    func buttonFails() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(fault: { operation, _ in
                if operation == .pressPowerButton { throw CloudError(.serviceUnavailable, "it hangs") }
            })
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(await cloud.host.running.isEmpty)
        }
    }

    private func act(_ action: ComputeAction, _ id: String, _ cloud: TestCloud, shows state: String)
        async throws
    {
        let answer = try await cloud.act(action, on: id)
        #expect(answer.status == 202)
        #expect(answer.data?["state"]?.string == state)
        #expect(answer.data?["task"]?["action"]?.string == action.rawValue)
        try await cloud.settle()
    }

    private func kinds(_ cloud: TestCloud) async throws -> [String] {
        try await cloud.cloud.database.read { sql in
            try sql.events.list(resourceId: 1, limit: 100).map(\.kind)
        }
    }
}
