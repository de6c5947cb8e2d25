import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudVerbs
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("The evacuation of a lost host")
struct EvacuationTests {
    @Test(
        "is refused until the operator says that the host is fenced, while it lives, and for no host at all")
    func refusals() async throws {
        try await LostHost.with { cell in
            let unfenced = await #expect(throws: CloudError.self) {
                try await EvacuateHost(name: "a", isFenced: false).run(in: cell.cloud.cloud)
            }
            #expect(unfenced?.code == .validationError)
            #expect(unfenced?.message.contains("Switch it off") == true)
            let alive = await #expect(throws: CloudError.self) { try await cell.evacuate("a") }
            #expect(alive?.code == .conflict)
            #expect(alive?.message.contains("'a' is not DOWN") == true)
            let none = await #expect(throws: CloudError.self) { try await cell.evacuate("z") }
            #expect(none?.code == .resourceNotFound)
            let hosts = try await cell.hosts()
            #expect(hosts.map(\.epoch) == [1, 1, 1])
        }
    }

    @Test(
        "starts elsewhere what ran and leaves stopped what was, with disks, addresses and meters as they were"
    )
    func moved() async throws {
        try await LostHost.with { cell in
            let cloud = cell.cloud
            for _ in 0..<2 { _ = try await cloud.create() }
            try await cell.a.settle()
            _ = try await cloud.act(.stop, on: "2")
            try await cell.a.settle()
            let before = try await cell.computes()

            try await cell.lose(cell.a)
            let report = try await cell.evacuate("a")
            #expect(report.moved.map(\.to) == ["b", "b"] && report.left == [])
            #expect(report.moved.map(\.state) == [.starting, .stopped])
            #expect(try await cloud.state("1") == "STARTING")
            try await cell.b.settle()

            #expect(try await cloud.state("1") == "RUNNING")
            #expect(try await cloud.state("2") == "STOPPED")
            #expect(await cell.b.host.running == [1])
            #expect(await cell.b.host.seeds.keys.sorted() == [1, 2])
            #expect(await cell.b.host.plan.attachments.map(\.computeId) == [1, 2])
            let after = try await cell.computes()
            #expect(after.map(\.privateIpv4) == before.map(\.privateIpv4))
            #expect(after.map(\.failure) == [nil, nil])
            let hosts = try await cell.hosts()
            #expect(hosts.map(\.state) == [.cordoned, .active, .active])
            #expect(hosts.map(\.taken.vcpus) == [0, 2, 0])
            let kinds = try await cell.kinds(of: 1)
            #expect(kinds.suffix(3) == ["compute.evacuated", "compute.start.requested", "compute.running"])
            #expect(try await cell.kinds(of: 2).filter { $0.hasPrefix("compute.network") } == [])
            let again = try await cell.evacuate("a")
            #expect(again.moved == [] && again.left == [])
            #expect(try await cell.cellEvents().filter { $0 == "host.evacuated" }.count == 1)
        }
    }

    @Test("leaves what is being moved, whose disk may be on either host")
    func moving() async throws {
        try await LostHost.with { cell in
            _ = try await cell.cloud.create()
            try await cell.a.settle()
            let (a, c) = (cell.a.id, cell.c.id)
            try await cell.cloud.database.write { sql in
                let compute = try #require(try sql.computes.get(1))
                _ = try sql.moveVerbs.begin(compute, from: a, to: c, nowMs: 1)
            }
            try await cell.lose(cell.a)
            let report = try await cell.evacuate("a")
            #expect(report.moved == [])
            #expect(report.left.map(\.reason) == ["it is being moved, which ends once both hosts are back"])
        }
    }

    @Test(
        "lets go on what was under way",
        arguments: [
            (ComputeAction.create, "RUNNING"), (.start, "RUNNING"), (.stop, "STOPPED"), (.reboot, "RUNNING"),
            (.upsize, "STOPPED"), (.delete, nil),
        ] as [(ComputeAction, String?)])
    func underWay(_ action: ComputeAction, _ state: String?) async throws {
        // The lost worker may have come to each of the action's steps, or not have taken it up.
        for stepsDone in 0...action.steps.count {
            try await LostHost.with { cell in
                let cloud = cell.cloud
                if action != .create {
                    _ = try await cloud.create()
                    try await cell.a.settle()
                    if [.start, .upsize].contains(action) {
                        _ = try await cloud.act(.stop, on: "1")
                        try await cell.a.settle()
                    }
                }
                _ = try await cloud.act(action, on: "1")
                try await cell.work(on: cell.a, outcomes: stepsDone)
                let step = try await cell.computes().first?.job.step
                let place: Comment = "\(action) lost at \(step?.rawValue ?? "its end")"
                try await cell.lose(cell.a)
                _ = try await cell.evacuate("a")
                try await cell.b.settle()
                #expect(try await cloud.state("1") == state, place)
                #expect(await cell.b.host.running == (state == "RUNNING" ? [1] : []), place)
                #expect(await cell.b.host.disks == (state == nil ? [] : [1]), place)
                #expect(try await cell.hosts().map(\.taken.vcpus)[0] == 0, place)
            }
        }
    }

    @Test("takes a compute that has failed along, so that it can be deleted; it takes no room")
    func failed() async throws {
        try await LostHost.with { cell in
            await cell.a.host.set(imageStatus: .unavailable("gone"))
            _ = try await cell.cloud.create()
            try await cell.a.settle()
            #expect(try await cell.cloud.state("1") == "FAILED")
            try await cell.lose(cell.a)
            #expect(try await cell.evacuate("a").moved.map(\.state) == [.failed])
            #expect(try await cell.hosts().map(\.taken.vcpus) == [0, 0, 0])
            _ = try await cell.cloud.act(.delete, on: "1")
            for host in [cell.b, cell.c] { try await host.settle() }
            #expect(try await cell.cloud.state("1") == nil)
        }
    }

    @Test("leaves what has no room elsewhere, with the reasons counted, and goes on with it when repeated")
    func noRoom() async throws {
        // More than are moved in one transaction.
        let count = EvacuateHost.maxTogether + 2
        try await LostHost.with(roomOnB: count - 1) { cell in
            for _ in 0..<count { _ = try await cell.cloud.create() }
            try await cell.a.settle()
            try await cell.lose(cell.a)
            let report = try await cell.evacuate("a")
            #expect(report.moved.count == count - 1)
            #expect(report.left.map(\.id) == [Int64(count)])
            let reason = report.left.first?.reason
            #expect(
                reason
                    == "no host can take it: 1 host: another store of disks; 1 host: cordoned, down; 1 host: vCPUs"
            )
            #expect(try await cell.computes().last?.state == .running, "it stays what it was known to be")
            _ = try await cell.cloud.act(.delete, on: "1")
            try await cell.b.settle()
            #expect(try await cell.evacuate("a").moved.map(\.id) == [Int64(count)])
            #expect(try await cell.hosts().map(\.taken.vcpus) == [0, count - 1, 0])
        }
    }

    @Test("leaves disks that lie on the lost host alone, and makes anew what had none")
    func noStore() async throws {
        try await LostHost.with { cell in
            try await cell.use(cell.c)
            _ = try await cell.cloud.create()
            try await cell.c.settle()
            _ = try await cell.cloud.create()
            try await cell.lose(cell.c)
            let report = try await cell.evacuate("c")
            #expect(report.left.map(\.id) == [1])
            #expect(report.left.first?.reason.contains("no setting 'disks'") == true)
            #expect(report.moved.map(\.id) == [2])
            try await cell.b.settle()
            try await cell.a.settle()
            #expect(try await cell.cloud.state("2") == "RUNNING")
            let shown = try await cell.cloud.send(.get, "/computes/1").data
            #expect(shown?["state"]?.string == "RUNNING")
            #expect(shown?["failure"]?["code"]?.string == "HOST_DOWN")
        }
    }
}
