import CloudCore
import Synchronization

/// A host in memory, for tests and for clients that need a server without machines. Every call can be made to fail,
/// before or after its effect.
public actor SimulatedHost: MachineHost {
    /// Whether the call's effect has been made.
    public enum Moment: Sendable, CaseIterable { case before, after }

    public nonisolated let networkMode: NetworkMode

    public private(set) var seeds: [Int64: Machine] = [:]
    public private(set) var running: Set<Int64> = []
    /// Guests that have powered themselves off and were not halted since.
    public private(set) var poweredOff: Set<Int64> = []
    /// Guests that stand still, since the disk is full.
    private var outOfSpace: Set<Int64> = []
    /// Machines on their way to or from another host.
    private(set) var moving: [Int64: Moving] = [:]
    /// Those among them whose process has ended. What marks them is a file, and stays.
    private(set) var ended: Set<Int64> = []
    /// By number.
    var warmed: [Int64: WarmGuest] = [:]
    /// The number of the last guest that was booted ahead, and when those to come are started.
    var lastWarm: Int64 = 0
    var warmStartMs: Int64 = 0
    /// Why no snapshot can be taken; `nil`: it can.
    var snapshotFailure: String?
    /// Why no image can be made; `nil`: it can.
    var imageFailure: String?
    /// Hosts from which it fetches images.
    nonisolated let peers = Mutex<[SimulatedHost]>([])
    /// How often a copy is looked at before it is whole.
    var copyLooks = 1
    private let ownDisks = SimulatedDisks()
    /// Those that other hosts have too; `nil`: it has its own.
    public nonisolated let sharedDisks: SimulatedDisks?
    /// Machines that something was made of here, where that does not follow from the disks.
    private var folders: Set<Int64> = []
    public private(set) var plan = NetworkPlan(attachments: [])
    /// How often each operation was asked for.
    public internal(set) var calls: [Operation: Int] = [:]
    private(set) var imageStatus: ImageStatus = .ready
    private var fault: @Sendable (Operation, Moment) throws -> Void = { _, _ in }
    private(set) var visit: @Sendable (Operation, Int64) async -> Void = { _, _ in }
    private var silent: Set<Int64> = []
    private var powersOffAtBoot = false
    private var cutOff: Set<Int64> = []
    private var boot = "first"
    private var sshAnswers = true
    private var heedsPowerButton = true

    /// - Parameter disks: those that other hosts have too; `nil`: the host has its own.
    public init(networkMode: NetworkMode = .bridged, disks: SimulatedDisks? = nil) {
        self.networkMode = networkMode
        sharedDisks = disks
    }

    /// Those that it has, its own or shared.
    nonisolated var store: SimulatedDisks { sharedDisks ?? ownDisks }

    /// GB, by machine: of all hosts that share them.
    public private(set) var diskSizes: [Int64: Int] {
        get { store.sizes }
        set { store.sizes = newValue }
    }

    public func set(imageStatus: ImageStatus) { self.imageStatus = imageStatus }

    /// `fault` is asked before and after each effect, and what it throws is thrown to the caller.
    public func set(fault: @escaping @Sendable (Operation, Moment) throws -> Void) { self.fault = fault }

    /// `visit` is asked before each effect on a machine, and may take its time, whatever the caller's limits are.
    public func set(visit: @escaping @Sendable (Operation, Int64) async -> Void) { self.visit = visit }

    /// Machines whose monitors hang: `status` throws for them.
    public func set(silent: Set<Int64>) { self.silent = silent }

    /// Whether guests that run are reached.
    public func set(sshAnswers: Bool) { self.sshAnswers = sshAnswers }

    /// Whether guests heed their power button.
    public func set(heedsPowerButton: Bool) { self.heedsPowerButton = heedsPowerButton }

    /// Which boot of the host this is from now on. What ran before it is not ended by this.
    public func set(bootId: String) { boot = bootId }

    /// Lets the guest stand still as on a full disk, or go on again.
    public func set(_ id: Int64, outOfSpace isOut: Bool) {
        if isOut { outOfSpace.insert(id) } else { outOfSpace.remove(id) }
    }

    /// Guests that power themselves off as soon as they are booted.
    public func set(powersOffAtBoot: Bool) { self.powersOffAtBoot = powersOffAtBoot }

    /// Ends a machine as a crash would.
    public func lose(_ id: Int64) {
        running.remove(id)
        cutOff.remove(id)
        endMoving(id)
        store.loseGuest(id)
    }

    private func endMoving(_ id: Int64) {
        switch moving[id] {
        case .arriving, .departed: ended.insert(id)
        case .departing: moving[id] = nil
        case nil: break
        }
    }

    /// Powers a machine off as its guest would.
    public func powerOff(_ id: Int64) {
        if running.remove(id) != nil { poweredOff.insert(id) }
    }

    /// Takes a disk away, as a broken host would.
    public func loseDisk(_ id: Int64) { store.removeDisk(id) }

    /// Puts a disk in place, as somebody would who restores it.
    public func putDisk(_ id: Int64, storageGb: Int) { diskSizes[id] = storageGb }

    public func loseSeed(_ id: Int64) { seeds[id] = nil }

    /// Takes a machine's tap away, which its process does not survive as a part of the network.
    public func loseTap(_ id: Int64) {
        plan.attachments.removeAll { $0.computeId == id }
        if running.contains(id) { cutOff.insert(id) }
    }

    /// Machines that have a disk.
    public var disks: Set<Int64> { Set(diskSizes.keys) }

    public func makeDisk(_ machine: Machine, from image: Image) async throws {
        await visit(.makeDisk, machine.id)
        try act(.makeDisk) {
            claimFolder(machine.id)
            guard diskSizes[machine.id] == nil else { return }
            takeWarm(for: machine, image)
            diskSizes[machine.id] = machine.storageGb
            lay(machine.id, over: image)
        }
    }

    public func growDisk(_ machine: Machine) async throws {
        await visit(.growDisk, machine.id)
        guard let size = diskSizes[machine.id] else { throw Self.noDisk }
        try act(.growDisk) { diskSizes[machine.id] = max(machine.storageGb, size) }
    }

    /// Something is made of the machine here.
    func claimFolder(_ id: Int64) { folders.insert(id) }

    public func makeSeed(_ machine: Machine) async throws {
        await visit(.makeSeed, machine.id)
        try act(.makeSeed) {
            claimFolder(machine.id)
            seeds[machine.id] = machine
        }
    }

    public func applyNetwork(_ plan: NetworkPlan) throws { try act(.applyNetwork) { self.plan = plan } }

    public func boot(_ machine: Machine) async throws {
        await visit(.boot, machine.id)
        guard disks.contains(machine.id) else { throw Self.noDisk }
        guard seeds[machine.id] != nil else {
            throw CloudError.bug("machine \(machine.id) is booted without a seed")
        }
        guard moving[machine.id] == nil || running.contains(machine.id) else {
            throw SimulatedMove.cannotBoot
        }
        try act(.boot) {
            poweredOff.remove(machine.id)
            if running.insert(machine.id).inserted { cutOff.remove(machine.id) }
            if powersOffAtBoot { powerOff(machine.id) }
        }
    }

    public func status(_ id: Int64) throws -> MachineStatus {
        guard !silent.contains(id) else {
            throw CloudError(.serviceUnavailable, "The machine's monitor does not answer; it is asked again.")
        }
        switch moving[id] {
        case .arriving: return ended.contains(id) ? .absent : .arriving
        case .departed: return .departed
        case .departing, nil: break
        }
        if running.contains(id), outOfSpace.contains(id) { return .outOfSpace }
        return running.contains(id) ? .running : poweredOff.contains(id) ? .poweredOff : .absent
    }

    public func answersSSH(_ machine: Machine) -> Bool {
        calls[.answersSSH, default: 0] += 1
        return sshAnswers && running.contains(machine.id) && !outOfSpace.contains(machine.id)
            && plan.attachments.contains(machine.attachment)
    }

    public func pressPowerButton(_ id: Int64) async throws {
        await visit(.pressPowerButton, id)
        try act(.pressPowerButton) { if heedsPowerButton { powerOff(id) } }
    }

    public func halt(_ id: Int64) async throws {
        await visit(.halt, id)
        try act(.halt) {
            running.remove(id)
            endMoving(id)
            poweredOff.remove(id)
            cutOff.remove(id)
            store.loseGuest(id)
        }
    }

    public func erase(_ id: Int64) async throws {
        await visit(.erase, id)
        try act(.erase) {
            store.removeDisk(id)
            seeds[id] = nil
            folders.remove(id)
        }
    }

    public func vacate(_ id: Int64) async throws {
        await visit(.vacate, id)
        guard moving[id] == nil || moving[id] == .departing else { return }
        try act(.vacate) {
            running.remove(id)
            poweredOff.remove(id)
            cutOff.remove(id)
            guard sharedDisks != nil else { return }
            seeds[id] = nil
            folders.remove(id)
        }
    }

    public func inventory() -> [Int64: MachineParts] {
        Dictionary(
            uniqueKeysWithValues: (sharedDisks == nil ? disks : folders).union(seeds.keys)
                .union(running).union(poweredOff).map { ($0, parts(of: $0)) })
    }

    public func parts(of id: Int64) -> MachineParts {
        MachineParts(
            hasProcess: running.contains(id) || poweredOff.contains(id)
                || ([.arriving, .departed].contains(moving[id]) && !ended.contains(id)),
            hasDisk: diskSizes[id] != nil,
            hasSeed: seeds[id] != nil, isCutOff: cutOff.contains(id))
    }

    /// Makes what a machine is that is to come.
    func arrive(_ machine: Machine) {
        mark(machine.id, .arriving)
        diskSizes[machine.id] = machine.storageGb
        seeds[machine.id] = machine
    }

    /// `nil`: it is not on its way any more.
    func mark(_ id: Int64, _ moving: Moving?) {
        self.moving[id] = moving
        ended.remove(id)
    }

    /// Its guest stands still for good.
    func leave(_ id: Int64) {
        running.remove(id)
        mark(id, .departed)
    }

    /// Its guest runs here.
    func goOn(_ id: Int64) {
        mark(id, nil)
        running.insert(id)
    }

    /// Nothing of it is left here.
    func forget(_ id: Int64) {
        mark(id, nil)
        store.removeDisk(id)
        seeds[id] = nil
        folders.remove(id)
    }

    public func bootId() -> String { boot }

    public func networkDrift(from plan: NetworkPlan) throws -> [String] {
        try self.plan.differences(from: plan)
    }

    static let noDisk = CloudError(
        .resourceNotFound,
        "The compute's disk is gone. Ask the operator to restore it, or delete the compute.")

    func act(_ operation: Operation, _ effect: () throws -> Void) throws {
        calls[operation, default: 0] += 1
        try fault(operation, .before)
        try effect()
        try fault(operation, .after)
    }
}
