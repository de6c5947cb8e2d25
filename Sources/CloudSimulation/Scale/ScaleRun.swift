import CloudControl
import CloudCore
import CloudDatabase

/// A cell of many hosts and computes in a real database file: how long placing and listing take, and whether any host is
/// given out twice. The hosts are rows alone; the computes are made by the real verb.
public struct ScaleRun: Sendable {
    public var hosts: Int
    public var computes: Int
    /// Decides what each compute wants, and how much each host has.
    public var seed: UInt64

    public init(hosts: Int, computes: Int, seed: UInt64) {
        self.hosts = hosts
        self.computes = computes
        self.seed = seed
    }

    public struct Report: Sendable {
        public var placed = 0
        /// Creates that were refused since nothing had room.
        public var refused = 0
        /// All of a create but its commit.
        public var place = ScaleSamples()
        /// The same for what no host has room for, up to the refusal that counts the reasons.
        public var refuse = ScaleSamples()
        public var create = ScaleSamples()
        /// A page of 100 computes.
        public var page = ScaleSamples()
        /// Hosts whose counters are wrong, or that have given out more than they have.
        public var hostsAmiss: Int64 = 0
        /// How full the emptiest and the fullest host are, in percents.
        public var load: ClosedRange<Int64> = 0...0
    }

    /// Computes of one team, whose network has 1,019 addresses.
    static let computesPerTeam = 500
    /// Creates between two measurements of a page.
    static let pageEvery = 50
    /// Hosts that are inserted by one transaction.
    static let hostsTogether = 500

    /// - Parameters:
    ///   - path: of a new SQLite file.
    ///   - progress: told how many computes there are, now and then.
    public func run(path: String, progress: @Sendable (Int) -> Void) async throws -> Report {
        var random = SeededRandom(seed: seed)
        let cloud = try cloud(path)
        try await addHosts(to: cloud, &random)
        var report = Report()
        var caller: Caller?
        for number in 0..<computes {
            if number.isMultiple(of: Self.computesPerTeam) {
                caller = try await makeTeam(number / Self.computesPerTeam, in: cloud)
                progress(number)
            }
            guard let caller else { break }
            let specification = random.one(of: Catalogue.simulated.specifications)
            try await create(number, specification, caller, cloud, &report)
            guard number.isMultiple(of: Self.pageEvery) else { continue }
            let list = ListComputes(page: try Page(page: nil, limit: "100"), caller: caller)
            try await report.page.time { _ = try await list.run(in: cloud) }
            try await refuse(caller, cloud, &report)
        }
        (report.hostsAmiss, report.load) = try await judge(cloud)
        return report
    }

    private func create(
        _ number: Int, _ specification: Specification, _ caller: Caller, _ cloud: Cloud,
        _ report: inout Report
    ) async throws {
        let asked = ComputeRequest(
            hostName: "c-\(number)", image: "TINY-1", region: "KGL-1",
            specification: specification.specification, publicKeys: [Self.publicKey])
        let request = ChangeRequest(
            endpoint: CreateCompute.endpoint, key: nil, members: [:], caller: caller, requestId: "scale")
        do {
            // A dry run places it, and undoes that.
            let quote = QuoteCompute(asked, caller: caller, requestId: "scale")
            try await report.place.time { _ = try await quote.run(in: cloud) }
            try await report.create.time {
                _ = try await CreateCompute(
                    asked, request: request, answer: { compute, _ in "\(compute.id)" }
                ).run(in: cloud)
            }
            report.placed += 1
        } catch let error as CloudError where error.code == .unprocessableEntity {
            report.refused += 1
        }
    }

    private func refuse(_ caller: Caller, _ cloud: Cloud, _ report: inout Report) async throws {
        let asked = ComputeRequest(
            hostName: "c", image: "TINY-1", region: "KGL-1", specification: Self.tooLarge.specification,
            publicKeys: [Self.publicKey])
        let quote = QuoteCompute(asked, caller: caller, requestId: "scale")
        try await report.refuse.time {
            do {
                _ = try await quote.run(in: cloud)
                throw SimulationError("What no host has room for was placed.")
            } catch let error as CloudError where error.code == .unprocessableEntity {
                return
            }
        }
    }

    /// More than any host has.
    private static let tooLarge = Specification(
        id: "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0009", specification: "S-1000C", vcpus: 1000,
        memoryMb: 512, storageGb: 10, priceMonthMilliRwf: 1)

    // MARK: The cell

    private func cloud(_ path: String) throws -> Cloud {
        guard let range = IPv4Network("10.0.0.0/8") else {
            throw SimulationError("10.0.0.0/8 is no network.")
        }
        let chance = Chance(seed: seed)
        var catalogue = Catalogue.simulated
        catalogue.specifications.append(Self.tooLarge)
        return Cloud(
            database: try SQLiteDatabase(path: path), catalogue: catalogue,
            settings: CloudSettings(privateRange: range, publicPool: []), clock: StandingClock(),
            randomBytes: { chance.bytes($0) }, wake: {})
    }

    /// Hosts of three sizes, all alive, with room for some 20 computes each on the average of the catalogue.
    private func addHosts(to cloud: Cloud, _ random: inout SeededRandom) async throws {
        let now = cloud.clock.nowMs
        for first in stride(from: 0, to: hosts, by: Self.hostsTogether) {
            let facts = (first..<min(first + Self.hostsTogether, hosts)).map { number in
                let size = 1 << random.below(3)
                return HostFacts(
                    identity: "host-\(number)", name: "host-\(number)",
                    capacity: Capacity(vcpus: 16 * size, memoryMb: 24_576 * size, storageGb: 480 * size))
            }
            try await cloud.database.write(.registerHost) { sql in
                for facts in facts {
                    _ = try sql.hosts.take(try sql.hosts.insert(facts), facts, owner: "scale", nowMs: now)
                }
            }
        }
    }

    private func makeTeam(_ number: Int, in cloud: Cloud) async throws -> Caller {
        let made = try await CreateTeam(name: "team-\(number)").run(in: cloud)
        return Caller(keyId: made.key.key.id, teamId: made.team.id, role: .owner)
    }

    /// Recomputes what each host has given out from its computes.
    private func judge(_ cloud: Cloud) async throws -> (amiss: Int64, load: ClosedRange<Int64>) {
        try await cloud.database.read { sql in
            let amiss = try sql.query(
                """
                SELECT COUNT(*) AS n FROM hosts h LEFT JOIN (
                    SELECT host_id, SUM(vcpus) AS vcpus, SUM(memory_mb) AS memory_mb, SUM(storage_gb) AS storage_gb
                    FROM computes WHERE private_ipv4 IS NOT NULL GROUP BY host_id
                ) c ON c.host_id = h.id
                WHERE h.taken_vcpus <> COALESCE(c.vcpus, 0) OR h.taken_memory_mb <> COALESCE(c.memory_mb, 0)
                    OR h.taken_storage_gb <> COALESCE(c.storage_gb, 0) OR COALESCE(c.vcpus, 0) > h.vcpus
                    OR COALESCE(c.memory_mb, 0) > h.memory_mb OR COALESCE(c.storage_gb, 0) > h.storage_gb
                """)[0].int("n")
            let load = try sql.query("SELECT MIN(load) AS lo, MAX(load) AS hi FROM hosts")[0]
            let (low, high) = (try load.int("lo"), try load.int("hi"))
            return (amiss, low...max(low, high))
        }
    }

    private static let publicKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl scale@test"
}

/// Times of one thing that was done often.
public struct ScaleSamples: Sendable {
    private var milliseconds: [Double] = []

    mutating func time(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
    ) async throws {
        let start = ContinuousClock.now
        try await body()
        milliseconds.append((ContinuousClock.now - start) / .milliseconds(1))
    }

    /// The time that so many percents did not pass, in milliseconds; 0 without any.
    public func percentile(_ percent: Double) -> Double {
        guard !milliseconds.isEmpty else { return 0 }
        let sorted = milliseconds.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * percent / 100))]
    }
}

/// Time does not pass, so that hosts without workers stay alive.
private struct StandingClock: CloudClock {
    let nowMs: Int64 = 1_705_312_800_000  // 2024-01-15T10:00:00Z

    func sleep(for duration: Duration) async throws {}
}
