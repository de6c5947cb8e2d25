import CloudCore
import Synchronization

/// Where simulated hosts have their disks, snapshots and images: each its own, or several one.
public final class SimulatedDisks: Sendable {
    /// What is on a disk: another number after each write, unlike any other's.
    typealias Content = Int

    /// A machine's disk, or what a snapshot has of one.
    struct Disk: Sendable, Equatable {
        var storageGb: Int
        var content: Content
        /// The team's own image that it lies over; `nil`: it is one of the catalogue.
        var imageId: Int64?
    }

    /// A copy that is under way.
    struct Copy: Sendable, Equatable {
        var disk: Disk
        /// How often it was looked at since its begin.
        var looks = 0
    }

    /// A snapshot, whole or half-made.
    struct Snapshot: Sendable, Equatable {
        var snapshot: DiskSnapshot
        var copy: Copy
        /// The guest's own QEMU copies, and the copy ends with it.
        var isOfGuest: Bool
        var isWhole = false
    }

    /// All that there is, each by its id.
    struct State: Sendable {
        var disks: [Int64: Disk] = [:]
        /// Those that a restore has kept.
        var formerDisks: [Int64: Disk] = [:]
        /// Disks that are being made of snapshots.
        var copies: [Int64: Copy] = [:]
        var snapshots: [Int64: Snapshot] = [:]
        /// Of teams' own.
        var images: [Int64: TeamImage] = [:]
        var lastContent = 0
    }

    private let state = Mutex(State())

    public init() {}

    func with<Result: Sendable>(_ body: (inout State) throws -> Result) rethrows -> Result {
        try state.withLock { try body(&$0) }
    }

    /// GB, by machine.
    var sizes: [Int64: Int] {
        get { with { $0.disks.mapValues(\.storageGb) } }
        set {
            with { state in
                state.disks = newValue.mapValues { Disk(storageGb: $0, content: 0) }
                    .merging(state.disks.filter { newValue[$0.key] != nil }) { new, old in
                        Disk(storageGb: new.storageGb, content: old.content, imageId: old.imageId)
                    }
            }
        }
    }

    /// Takes a disk away, with the one that a restore has kept, and ends its copy.
    func removeDisk(_ id: Int64) {
        with { state in
            state.disks[id] = nil
            state.formerDisks[id] = nil
            state.copies[id] = nil
        }
    }

    /// A guest's QEMU has ended, and with it the copies that it made.
    func loseGuest(_ id: Int64) {
        with { state in
            state.snapshots = state.snapshots.filter {
                !$0.value.isOfGuest || $0.value.isWhole || $0.value.snapshot.machineId != id
            }
        }
    }
}
