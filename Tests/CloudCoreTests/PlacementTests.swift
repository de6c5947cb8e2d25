import CloudCore
import Testing

@Suite("The host of a new compute")
struct PlacementTests {
    static let now: Int64 = 1_000_000

    private static func host(
        _ id: Int64, taken: Int = 0, of vcpus: Int? = 10, _ change: (inout HostRecord) -> Void = { _ in }
    ) -> HostRecord {
        var host = HostRecord(
            id: id, name: "host-\(id)", heartbeatMs: now, capacity: Capacity(vcpus: vcpus),
            taken: Resources(vcpus: taken))
        change(&host)
        return host
    }

    private static let demand = Placement.Demand(
        resources: Resources(vcpus: 2, memoryMb: 512, storageGb: 10), region: "KGL-1", image: "TINY-1")

    private func order(
        _ hosts: [HostRecord], _ policy: Placement.Policy = .spread, images: Set<Int64> = [],
        apartFrom: Set<Int64> = [], random: UInt64 = 1
    ) -> [Int64] {
        var demand = Self.demand
        demand.apartFrom = apartFrom
        return Placement.order(
            hosts.map { Placement.Candidate($0, hasImage: images.contains($0.id)) }, for: demand,
            policy: policy,
            nowMs: Self.now, random: random)
    }

    @Test("is the emptiest when computes are spread, and the fullest that has room when they are packed")
    func policies() {
        let hosts = [
            Self.host(1, taken: 5), Self.host(2, taken: 1), Self.host(3, taken: 8), Self.host(4, taken: 9),
        ]
        #expect(order(hosts) == [2, 1, 3])
        #expect(order(hosts, .pack) == [3, 1, 2])
    }

    @Test("is judged by the resource that is scarcest there")
    func scarcest() {
        let memory = Self.host(1, taken: 1) {
            $0.capacity.memoryMb = 10_000
            $0.taken.memoryMb = 9_000
        }
        #expect(memory.load == 90)
        #expect(order([memory, Self.host(2, taken: 5)]) == [2, 1])
    }

    @Test("has the image among equals, and no other advantage by it")
    func image() {
        #expect(order([Self.host(1), Self.host(2)], images: [2]) == [2, 1])
        #expect(order([Self.host(1), Self.host(2, taken: 1)], images: [2]) == [1, 2])
    }

    @Test("is another among equals for another random number, and each of them now and then")
    func random() {
        let hosts = (1...4).map { Self.host($0) }
        let chosen = (0..<100).map { order(hosts, random: $0)[0] }
        for id in Int64(1)...4 { #expect(chosen.count { $0 == id } > 5, "host \(id)") }
        #expect(order(hosts, random: 7) == order(hosts.reversed(), random: 7))
    }

    static let cases: [(HostObstacle, HostRecord)] = [
        (.cordoned, host(1) { $0.state = .cordoned }), (.draining, host(1) { $0.state = .draining }),
        (.down, host(1) { $0.heartbeatMs = now - HostHeartbeat.downAfterMs - 1 }),
        (.down, host(1) { $0.heartbeatMs = nil }), (.region, host(1) { $0.region = "HUY-1" }),
        (.vcpus, host(1, taken: 9)),
        (.memory, host(1) { $0.capacity.memoryMb = 511 }),
        (.storage, host(1) { $0.capacity.storageGb = 9 }),
    ]

    @Test("is one that has the disk, where there is one already")
    func store() {
        var demand = Self.demand
        demand.store = "s"
        let hosts = ["s", nil, "t"].map { store in Self.host(1) { $0.store = store } }
        #expect(hosts.map { $0.obstacles(to: demand, nowMs: Self.now) } == [[], [.store], [.store]])
        #expect(hosts.allSatisfy { $0.obstacles(to: Self.demand, nowMs: Self.now) == [] })
    }

    @Test("is none that has an obstacle", arguments: cases)
    func unfit(_ obstacle: HostObstacle, _ host: HostRecord) {
        #expect(host.obstacles(to: Self.demand, nowMs: Self.now) == [obstacle])
        #expect(order([host, Self.host(2)]) == [2])
    }

    @Test("is none where a compute is that it must be apart from")
    func apart() {
        #expect(order([Self.host(1), Self.host(2, taken: 3)], apartFrom: [1]) == [2])
        #expect(Tag.apart(["web", "apart-db", "apart", "x-apart-y"]) == ["apart-db"])
    }

    @Test("is alive to the last moment, and takes the last that it has")
    func boundaries() {
        let host = Self.host(1, taken: 8) {
            $0.heartbeatMs = Self.now - HostHeartbeat.downAfterMs
            $0.capacity.memoryMb = 512
            $0.capacity.storageGb = 10
            $0.region = "KGL-1"
        }
        #expect(host.obstacles(to: Self.demand, nowMs: Self.now) == [])
    }

    @Test("that there is not is told with the reasons and the number of hosts of each")
    func refusal() {
        let specification = Specification(
            id: "x", specification: "S-2C", vcpus: 2, memoryMb: 512, storageGb: 10, priceMonthMilliRwf: 0)
        func message(
            _ refusals: [Placement.Refusals], only: HostRecord? = nil,
            _ code: ErrorCode = .unprocessableEntity
        ) -> String {
            let refusal = Placement.refusal(of: specification, refusals, only: only)
            #expect(refusal.code == code)
            return refusal.message
        }
        let many = message([
            .init([.cordoned], count: 1), .init([.memory], count: 3), .init([.down, .vcpus], count: 2),
        ])
        #expect(many.contains("no room for S-2C (3 hosts: RAM; 2 hosts: down, vCPUs; 1 host: cordoned)"))
        #expect(message([]).contains("no host has joined the cell yet"))
        let full = Self.host(1, taken: 9)
        #expect(message([.init([.vcpus], count: 1)], only: full).contains("(vCPUs: 2 needed, 1 of 10 free)"))
        let down = Self.host(1) { $0.heartbeatMs = nil }
        #expect(
            message([.init([.down], count: 1)], only: down, .serviceUnavailable).contains("(1 host: down)"))
        let one = message([.init([.memory], count: 3), .init([.down], count: 2)], .serviceUnavailable)
        #expect(one.contains("room for S-2C (3 hosts: RAM; 2 hosts: down). Try again"))
    }

    @Test("works only where its clock and the database's are together")
    func skew() throws {
        for ms in [0, 5000, -5000] { try ClockSkew.check(ownMs: 100_000 + Int64(ms), databaseMs: 100_000) }
        for (ms, word) in [(5001, "ahead of"), (-5001, "behind")] {
            let error = #expect(throws: CloudError.self) {
                try ClockSkew.check(ownMs: 100_000 + Int64(ms), databaseMs: 100_000)
            }
            #expect(error?.message.contains("5001 ms \(word)") == true)
        }
    }
}
