import CloudCore
import Testing

@testable import CloudMachines

@Suite("What comes next at a departure")
struct MoveRuleTests {
    private typealias Job = DepartureLook.Job
    private typealias Memory = DepartureLook.Memory

    private func next(
        _ job: Job? = nil, _ memory: Memory? = nil, runState: String = "running", credentials: Bool = true,
        connected: Bool = true
    ) -> DepartureLook.Act {
        DepartureLook(
            runState: runState, hasCredentials: credentials, isConnected: connected, job: job, memory: memory
        ).next
    }

    @Test("keys, the connection, the disk, the memory, in this order")
    func order() {
        #expect(next(credentials: false, connected: false) == .identify)
        #expect(next(connected: false) == .connectDisk)
        #expect(next() == .copyDisk)
        #expect(
            next(Job(status: "running", done: 120 << 20, total: 600 << 20))
                == .awaitDisk("copying the disk, 120 of 600 MB"))
        #expect(next(Job(status: "ready")) == .copyMemory)
        #expect(
            next(Job(status: "ready"), Memory(status: "active", left: 108 << 20, total: 128 << 20))
                == .awaitMemory("copying memory, 20 of 128 MB"))
        let waiting = Memory(status: "pre-switchover")
        #expect(next(Job(status: "ready"), waiting) == .endDiskCopy)
        #expect(next(Job(status: "concluded"), waiting) == .dismissDiskCopy)
        #expect(next(nil, waiting) == .disconnectDisk)
        #expect(next(nil, waiting, connected: false) == .switchOver)
        #expect(
            next(nil, Memory(status: "completed"), runState: "postmigrate", connected: false)
                == .stop(.switched))
    }

    @Test("a machine that stands still for good has departed, whatever else is seen of it")
    func departed() {
        #expect(next(runState: "postmigrate", credentials: false, connected: false) == .stop(.switched))
        #expect(next(Job(status: "concluded", error: "x"), runState: "postmigrate") == .stop(.switched))
    }

    @Test(
        "no copy of memory goes on, and no switch is made, beside a disk's copy that has ended",
        arguments: ["active", "setup", "pre-switchover"])
    func brokenDisk(status: String) {
        guard
            case .stop(.failed(let why)) = next(
                Job(status: "concluded", error: "gone"), Memory(status: status))
        else {
            Issue.record("\(status) goes on")
            return
        }
        #expect(why.hasSuffix("failed: gone"))
    }

    @Test("a copy that ended tells why", arguments: ["failed", "cancelled"])
    func brokenMemory(status: String) {
        #expect(
            next(Job(status: "ready"), Memory(status: status, error: "no route"))
                == .stop(.failed("the copy of the memory failed: no route")))
        #expect(
            next(Job(status: "ready"), Memory(status: status))
                == .stop(.failed("the copy of the memory failed: \(status)")))
    }
}
