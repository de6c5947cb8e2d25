import CloudCore
import CloudDatabase
import CloudMachines

extension History {
    static let maxClients = 3
    static let maxOperations = 8
    static let maxFaults = 8
    /// Computes that the clients of a team quarrel about.
    static let maxSlots = 3
    /// Milliseconds between two operations of a client, at most. The slowest clients come after leases have run out.
    static let maxThinkMs: [Int64] = [2_000, 2_000, 2_000, 20_000, 20_000, 120_000]
    static let maxDisasterMs: Int64 = 60_000
    /// Histories whose seed is a multiple of this have snapshots and images of them. In the others, all other operations are as frequent as before.
    static let snapshotsEvery: UInt64 = 4

    /// The history of a seed.
    public init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var shape = Shape(&random)
        shape.takesSnapshots = seed % Self.snapshotsEvery == 0
        let maxThinkMs = random.one(of: Self.maxThinkMs)
        let slots = 1 + random.below(Self.maxSlots)
        let scripts = (0..<1 + random.below(Self.maxClients)).map { _ in
            (0..<2 + random.below(Self.maxOperations - 1)).map { index in
                Operation(
                    slots: slots, shape, maxThinkMs: index == 0 ? Self.maxThinkMs[0] : maxThinkMs,
                    isFirst: index == 0, &random)
            }
        }
        // Some kinds of faults alone, so that a history meets many of one kind as well as some of each.
        let kinds = Fault.Kind.allCases.filter { _ in random.chance(percent: 40) }
        let faults = (0..<random.below(Self.maxFaults + 1)).map { _ in
            Fault(random.one(of: kinds.isEmpty ? Fault.Kind.allCases : kinds), shape, &random)
        }
        self.init(seed: seed, shape: shape, scripts: scripts, faults: faults)
    }
}

extension History.Shape {
    init(_ random: inout SeededRandom) {
        self.init()
        programs = random.one(of: [1, 1, 1, 2, 2, 3])
        isBilled = random.chance(percent: 20)
        publicAddresses = random.one(of: [1, 2, 4])
        vcpus = random.one(of: [2, 4, 16])
        maxLateMs = random.one(of: [0, 50, 2_000])
        isPacked = random.chance(percent: 50)
        sharesDisks = programs > 1 && random.chance(percent: 50)
    }
}

extension History.Operation {
    init(
        slots: Int, _ shape: History.Shape, maxThinkMs: Int64, isFirst: Bool, _ random: inout SeededRandom
    ) {
        let slot = random.below(slots)
        let body = random.below(CreateBody.all.count)
        let kind: Kind =
            switch isFirst ? 0 : random.below(100) {
            case 0..<20: .create(slot: slot, body: body)
            case 20..<25: .createTwice(slot: slot, body: body)
            case 25..<37 where shape.takesSnapshots: .snapshot(slot: slot)
            case 37..<43 where shape.takesSnapshots: .restore(slot: slot)
            case 43..<48 where shape.takesSnapshots: .deleteSnapshot(slot: slot)
            case 48..<56 where shape.takesSnapshots: .makeImage(slot: slot)
            case 56..<62 where shape.takesSnapshots: .createOver(slot: slot)
            case 62..<66 where shape.takesSnapshots: .deleteImage(slot: slot)
            case 25..<93:
                .act(
                    random.one(of: [.start, .start, .stop, .stop, .stop, .reboot, .upsize, .update, .delete]),
                    slot: slot)
            case 93..<97: .get(slot: slot)
            default: .list
            }
        self.init(
            afterMs: random.chance(percent: 50)
                ? random.milliseconds(upTo: maxThinkMs) : Int64(random.below(Int(maxThinkMs))), kind: kind)
    }
}

extension Fault {
    enum Kind: CaseIterable { case write, host, lateRead, lostAnswer, disaster }

    init(_ kind: Kind, _ shape: History.Shape, _ random: inout SeededRandom) {
        switch kind {
        case .write:
            let write = random.one(
                of: Self.writes + (shape.movesGuests ? Self.moves : [])
                    + (shape.takesSnapshots ? Self.snapshots : []))
            self = .write(write, nth: 1 + random.below(3), WriteFault(&random))
        case .host:
            let moves = shape.movesGuests ? SimulatedHost.Operation.moves : []
            let snapshots = shape.takesSnapshots ? SimulatedHost.Operation.snapshots + Self.imageCalls : []
            let operation = random.one(of: Self.operations + moves + snapshots)
            self = .host(operation, nth: 1 + random.below(3), HostFault(&random))
        case .lateRead: self = .lateRead(nth: 1 + random.below(20), milliseconds: random.pause())
        case .lostAnswer: self = .lostAnswer(nth: 1 + random.below(10))
        case .disaster:
            self = .at(
                milliseconds: random.milliseconds(upTo: History.maxDisasterMs), Disaster(shape, &random))
        }
    }

    /// Writes that a history makes.
    private static let writes =
        DurableWrite.allCases.filter {
            switch $0 {
            case .createCell, .createFirstTeam, .createTeam, .deleteTeam, .createKey, .revokeKey, .noteKeyUse,
                .issueGuestToken, .changeWallet, .suspendTeam, .resumeTeam, .quoteCompute, .changeHost,
                .fenceHost, .evacuateComputes:
                false
            default: !moves.contains($0) && !snapshots.contains($0) && !uploads.contains($0)
            }
        } + [.createCompute, .changeCompute, .changeCompute, .lease, .saveSeed, .saveBoot, .saveConfirm]

    /// Those of moves, which there are where there are several hosts.
    private static let moves =
        [DurableWrite.beginMove] + MoveStep.allCases.map { .outcome(of: $0) }

    /// Those of snapshots and restores.
    private static let snapshots =
        [DurableWrite.createSnapshot, .changeSnapshot, .saveRestore, .saveSettle, .saveTakeBack]
        + Set(SnapshotStep.allCases.map { DurableWrite.outcome(of: $0) }).sorted { $0.rawValue < $1.rawValue }
        + [.createImage, .changeImage, .saveImageMake, .saveImageKept, .saveImageErase]

    /// Nobody uploads an image.
    private static let uploads: [DurableWrite] = [.receiveImage, .saveImageContent]
    private static let imageCalls: [SimulatedHost.Operation] = [.makeImage, .eraseImage]

    private static let operations = SimulatedHost.Operation.allCases.filter {
        $0 != .image && $0 != .answersSSH && $0 != .vacate && !SimulatedHost.Operation.moves.contains($0)
            && !SimulatedHost.Operation.snapshots.contains($0)
            && !SimulatedHost.Operation.images.contains($0)
    }
}

extension SeededRandom {
    /// How long a program is suspended at most, in milliseconds: longer than a lease.
    private static let longestPauseMs: Int64 = 150_000

    fileprivate mutating func pause() -> Int64 {
        chance(percent: 50) ? milliseconds(upTo: Self.longestPauseMs) : Int64(below(Int(Self.longestPauseMs)))
    }
}

extension WriteFault {
    init(_ random: inout SeededRandom) {
        self = random.one(of: [
            .refused, .ambiguous, .crashBefore, .crashAfter, .late(milliseconds: random.pause()),
            .runTwice,
        ])
    }
}

extension HostFault {
    /// Longer than a step may take, and its lease.
    static let longestMs: Int64 = 200_000
    /// Shorter than a step may take: it ends as if nothing had been.
    static let longestOutlivedMs: Int64 = 30_000

    init(_ random: inout SeededRandom) {
        let hang = random.milliseconds(upTo: Self.longestMs)
        self = random.one(of: [
            .throwsBefore, .throwsAfter, .crashBefore, .crashAfter,
            .slow(milliseconds: random.milliseconds(upTo: Self.longestMs)), .hangs(milliseconds: hang),
            .outlived(milliseconds: random.milliseconds(upTo: Self.longestOutlivedMs)),
        ])
    }
}

extension Disaster {
    init(_ shape: History.Shape, _ random: inout SeededRandom) {
        let lasting = random.milliseconds(upTo: 400_000)
        let day: Int64 = 86_400_000
        let moves = (0..<(shape.movesGuests ? 6 : 0)).map { _ in Disaster.moved(nth: random.below(3)) }
        self = random.one(
            of: moves + [
                .crash(program: random.below(shape.programs)),
                .replaced(program: random.below(shape.programs)), .reboot,
                .hostIsLost(program: random.below(shape.programs)), .guestDies(nth: random.below(3)),
                .guestPowersOff(nth: random.below(3)), .imagesGone(milliseconds: lasting),
                .guestsSilent(milliseconds: lasting), .guestsDeaf(milliseconds: lasting),
                .diskFull(milliseconds: lasting / 10),
                .teamIsDeleted, .networkFlushed, .tapDeleted(nth: random.below(3)),
                .seedRemoved(nth: random.below(3)),
                .clockJumps(
                    milliseconds: shape.isBilled
                        ? Int64(random.below(48)) * day / 16 : random.milliseconds(upTo: day)),
            ])
    }
}
