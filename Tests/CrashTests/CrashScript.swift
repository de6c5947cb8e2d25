import CloudControl
import CloudCore
import CloudMachines
import CloudDatabase
import CloudTesting
import CloudWorker
import Testing

/// What somebody asks for, from the first request to its end, while something goes wrong.
struct CrashScript: Sendable, CustomTestStringConvertible {
    typealias Part = @Sendable (CrashWorld) async throws -> Void

    var name: String
    var settings = CloudSettings.test
    /// Names the folder of the host's disks, when another host shares it.
    var store: String?
    /// What goes wrong in every run of it, so that what follows can go wrong too.
    var fault: CrashFault?
    /// What is there before anything goes wrong.
    var prepare: Part
    var run: Part

    var testDescription: String { name }

    init(
        _ name: String, settings: CloudSettings = .test, store: String? = nil,
        fault: CrashFault? = nil,
        prepare: @escaping Part = { _ in },
        run: @escaping Part
    ) {
        self.name = name
        self.settings = settings
        self.store = store
        self.fault = fault
        self.prepare = prepare
        self.run = run
    }
}

extension CrashScript {
    /// The actions on a compute.
    static let actions: [CrashScript] = [
        CrashScript("create", prepare: { try await $0.makeTeam() }, run: { try await $0.createAndSettle() }),
        CrashScript("start", prepare: { try await $0.makeStopped() }, run: { try await $0.change(.start) }),
        CrashScript("stop", prepare: { try await $0.makeRunning() }, run: { try await $0.change(.stop) }),
        CrashScript("reboot", prepare: { try await $0.makeRunning() }, run: { try await $0.change(.reboot) }),
        CrashScript(
            "upsize", prepare: { try await $0.makeStopped() },
            run: { try await $0.change(.upsize(to: "S-2C-4G")) }),
        CrashScript(
            "update", prepare: { try await $0.makeRunning() },
            run: { try await $0.change(.update(ComputeUpdate(hostName: "renamed"))) }),
        CrashScript("delete", prepare: { try await $0.makeRunning() }, run: { try await $0.change(.delete) }),
    ]

    /// What happens to computes otherwise.
    static let events: [CrashScript] = [
        CrashScript(
            "a create that fails",
            prepare: { world in
                try await world.makeTeam()
                await world.simulated?.set(imageStatus: .unavailable("gone"))
            }, run: { try await $0.createAndSettle() }),
        CrashScript(
            "a create with a step that can't be saved",
            fault: CrashFault(visit: Visit(point: .write(.saveSeed), number: 1), kind: .errorBefore),
            prepare: { try await $0.makeTeam() }, run: { try await $0.createAndSettle() }),
        // Most often these steps are saved together with the next.
        CrashScript(
            "a create whose disk can't be made at first",
            fault: CrashFault(visit: Visit(point: .call(.makeDisk), number: 1), kind: .errorBefore),
            prepare: { try await $0.makeTeam() }, run: { try await $0.createAndSettle() }),
        CrashScript(
            "a create whose network can't be made at first",
            fault: CrashFault(visit: Visit(point: .call(.applyNetwork), number: 1), kind: .errorBefore),
            prepare: { try await $0.makeTeam() }, run: { try await $0.createAndSettle() }),
        CrashScript(
            "an orphan", prepare: { try await $0.makeRunning() },
            run: { world in
                try await world.plantOrphan(17)
                // The next start keeps the id for nobody.
                world.program.life.end()
                try await world.watch()
                world.clock.advance(milliseconds: 3_600_000)
                try await world.watch()
            }),
        CrashScript(
            "a seed that is lost", prepare: { try await $0.makeRunning() },
            run: { world in
                await world.simulated?.loseSeed(1)
                try await world.watch()
            }),
        CrashScript(
            "a delete of what has failed",
            prepare: { world in
                try await world.makeTeam()
                await world.simulated?.set(imageStatus: .unavailable("gone"))
                try await world.createAndSettle()
            }, run: { try await $0.change(.delete) }),
        CrashScript(
            "a guest that crashes", prepare: { try await $0.makeRunning() },
            run: { world in
                await world.simulated?.lose(1)
                try await world.settle()
            }),
        CrashScript(
            "a guest that powers itself off before its first login",
            prepare: { world in
                try await world.makeTeam()
                await world.simulated?.set(powersOffAtBoot: true)
            }, run: { try await $0.createAndSettle() }),
        CrashScript(
            "a start of the program",
            prepare: { try await $0.makeRunning() },
            run: { world in
                world.program.life.end()
                try await world.settle()
            }),
        CrashScript(
            "a dry run", prepare: { try await $0.makeTeam() },
            run: { world in
                _ = try await world.insist("the dry run") {
                    try await QuoteCompute(CrashWorld.asked, caller: CrashWorld.caller, requestId: "r")
                        .run(in: $0.cloud)
                }
            }),
        CrashScript(
            "a guest's token", prepare: { try await $0.makeRunning() },
            run: { world in
                let address = try await world.privateIpv4()
                _ = try await world.insist("the token") {
                    try await CreateGuestToken(address: address, resourceId: 1).run(in: $0.cloud)
                }
            }),
    ]
}

extension CrashWorld {
    static let caller = Caller(keyId: 1, teamId: 1, role: .owner)
    static let asked = ComputeRequest(
        hostName: "web", image: "TINY-1", region: "KGL-1", specification: "S-1C",
        publicKeys: [TestCloud.publicKey], tags: ["a"], withPublicIp: true)

    /// The host when it is a simulated one.
    var simulated: SimulatedHost? { host as? SimulatedHost }

    /// One team with an owner's key and a member's.
    func makeTeam() async throws {
        let made = try await CreateTeam(name: "team").run(in: program.cloud)
        secret = made.key.secret
        _ = try await CreateKey(name: "member", role: .member, by: .operator(teamId: 1)).run(
            in: program.cloud)
    }

    func makeRunning() async throws {
        try await makeTeam()
        try await createAndSettle()
    }

    func makeStopped() async throws {
        try await makeRunning()
        try await change(.stop)
    }

    /// Sends one create until it is answered, with the same key, and lets it come to its end.
    /// - Parameter snapshotId: what its disk is to be a copy of; `nil`: it is made from its image.
    func createAndSettle(from snapshotId: Int64? = nil) async throws {
        let request = try request("POST /computes", key: snapshotId == nil ? 0 : 7)
        var asked = Self.asked
        asked.snapshotId = snapshotId
        _ = try await insist("the create") { [asked] in
            try await CreateCompute(asked, request: request, answer: Self.answer).run(in: $0.cloud)
        }
        try await settle()
    }

    /// Sends one change until it is answered, with the same key, and lets it come to its end.
    func change(_ change: ChangeCompute.Change) async throws {
        try await begin(change)
        try await settle()
    }

    /// Sends one change until it is answered, with the same key.
    func begin(_ change: ChangeCompute.Change) async throws {
        let name = change.action.rawValue
        let request = try request(
            "POST /computes/1/\(name)", key: ComputeAction.asked.firstIndex(of: change.action) ?? 0)
        _ = try await insist(name) {
            try await ChangeCompute(id: 1, change: change, request: request, answer: Self.answer)
                .run(in: $0.cloud)
        }
    }

    /// Lets some looks at the host pass, since one of them may have gone wrong.
    func watch() async throws {
        for _ in 0..<4 {
            clock.advance(milliseconds: 10_000)
            try await settle()
        }
    }

    /// Leaves a machine on the host that no compute stands for.
    func plantOrphan(_ id: Int64) async throws {
        let network = IPv4Network("10.0.0.0/22")
        guard let network, let address = IPv4Address("10.0.0.99"), let image = Catalogue.test.image("TINY-1")
        else {
            throw NeverTrue(what: "the orphan has an address")
        }
        let machine = Machine(
            id: id, hostName: "orphan", vcpus: 1, memoryMb: 512, storageGb: 10, publicKeys: [],
            attachment: NetworkAttachment(computeId: id, teamId: 1, network: network, privateIpv4: address))
        try await host.makeDisk(machine, from: image)
        try await host.makeSeed(machine)
        try await host.boot(machine)
    }

    /// A database with a cell of its own.
    func makeSource(in folder: String) async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase(path: "\(folder)/source.sqlite")
        let cloud = Cloud(
            database: database, catalogue: .test, settings: settings, clock: clock,
            randomBytes: { count in (0..<count).map { UInt8($0) } }, wake: {})
        _ = try await Bootstrap(keep: { _ in }).run(in: cloud)
        return database
    }

    /// Does what has no Idempotency-Key until it is done: by this attempt, or by one whose answer was lost.
    func insistOrDone(_ what: String, _ body: (Cloud) async throws -> Void) async throws {
        try await insist(what) { program in
            do {
                try await body(program.cloud)
            } catch let error as CloudError where [.conflict, .resourceNotFound].contains(error.code) {
                return
            }
        }
    }

    /// Lets the accountant look until it could, and the machines follow.
    func account() async throws {
        try await insist("the accounts") { program in
            _ = try await program.duty.isMine()
            try await program.accountant.priceAll()
            try await program.accountant.look()
        }
        try await settle()
    }

    func privateIpv4() async throws -> IPv4Address {
        let compute = try await program.cloud.database.read { sql in try sql.computes.get(1) }
        guard let address = compute?.privateIpv4 else { throw NeverTrue(what: "compute 1 has an address") }
        return address
    }

    private static let answer: Answer<Compute> = { compute, _ in "{\"data\":{\"id\":\"\(compute.id)\"}}" }

    func request(_ endpoint: String, key: Int) throws -> ChangeRequest {
        ChangeRequest(
            endpoint: endpoint, key: try IdempotencyKey(header: "00000000-0000-4000-8000-00000000000\(key)"),
            members: ["a": "b"],
            caller: Self.caller, requestId: "r")
    }
}
