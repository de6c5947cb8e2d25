import CloudCore
import CloudDatabase
import CloudMachines

/// One history as data: who does what and what goes wrong. The order of all that is left to chance follows from its
/// seed, so the same history always takes the same course. Parts can be taken out of it, which makes another history.
public struct History: Sendable, Equatable {
    public var seed: UInt64
    public var shape: Shape
    /// What each client does, one thing after the other.
    public var scripts: [[Operation]]
    public var faults: [Fault]

    /// What the cloud of a history is like.
    public struct Shape: Sendable, Equatable {
        /// Programs that share the database, each with API, worker and a host of its own.
        public var programs = 1
        /// Whether their hosts have the same disks, so that a lost one can be evacuated. Else guests are moved.
        public var sharesDisks = false
        var movesGuests: Bool { programs > 1 && !sharesDisks }
        public var isBilled = false
        /// Whether clients take snapshots, restore and delete them, and make images of them.
        public var takesSnapshots = false
        /// Public addresses, of which there are few.
        public var publicAddresses = 2
        /// vCPUs that the computes of each host may have together.
        public var vcpus = 6
        /// Whether computes are packed onto few hosts, instead of spread.
        public var isPacked = false
        /// How late a sleeper may be woken, in milliseconds.
        public var maxLateMs: Int64 = 0
    }

    /// What one client does next.
    public struct Operation: Sendable, Equatable {
        /// Milliseconds that the client lets pass before it.
        public var afterMs: Int64
        public var kind: Kind

        public enum Kind: Sendable, Equatable {
            /// Creates with the key of the slot and a body of the pool: the first time, a retry, or the same key with
            /// another body.
            case create(slot: Int, body: Int)
            /// The same twice at once.
            case createTwice(slot: Int, body: Int)
            /// Does this to the compute of the slot, if the clients know of one.
            case act(ComputeAction, slot: Int)
            /// Takes a snapshot of the compute of the slot: the first time, or a retry.
            case snapshot(slot: Int)
            /// Restores the compute of the slot from its snapshot.
            case restore(slot: Int)
            case deleteSnapshot(slot: Int)
            /// Makes an image of the slot's snapshot, a compute that starts with it, and deletes it.
            case makeImage(slot: Int)
            case createOver(slot: Int)
            case deleteImage(slot: Int)
            case get(slot: Int)
            case list
        }
    }

    /// Operations and faults together: what the search for the minimal history makes smaller.
    public var size: Int { faults.count + scripts.map(\.count).reduce(0, +) }
}

/// Something that goes wrong, once.
public enum Fault: Sendable, Equatable {
    /// At the nth write of this name.
    case write(DurableWrite, nth: Int, WriteFault)
    /// The nth look at who holds a lease is answered so much later: the program is suspended before it acts by it.
    case lateRead(nth: Int, milliseconds: Int64)
    case host(SimulatedHost.Operation, nth: Int, HostFault)
    /// The nth answer does not reach its client.
    case lostAnswer(nth: Int)
    /// At a time since the beginning.
    case at(milliseconds: Int64, Disaster)
}

/// What becomes of a write.
public enum WriteFault: Sendable, Equatable {
    /// Refused, and nothing was done.
    case refused
    /// Done, but the caller is told that it was not.
    case ambiguous
    case crashBefore, crashAfter
    /// Done, and the caller learns it so much later.
    case late(milliseconds: Int64)
    /// The transaction is undone and run again, as a database under contention does.
    case runTwice
}

/// What becomes of a call to the host.
public enum HostFault: Sendable, Equatable {
    case throwsBefore, throwsAfter, crashBefore, crashAfter
    /// Takes so long, and ends when cancelled.
    case slow(milliseconds: Int64)
    /// Takes so long, whether cancelled or not.
    case hangs(milliseconds: Int64)
    /// Done, but before the program learns so it is suspended and taken for dead. Another has its place when it goes on,
    /// so much later.
    case outlived(milliseconds: Int64)
}

/// What befalls the cloud as a whole.
public enum Disaster: Sendable, Equatable {
    /// A program is taken for dead and started anew, while it goes on.
    case replaced(program: Int)
    /// One program ends, and is started again after a while.
    case crash(program: Int)
    /// All programs and all guests end.
    case reboot
    /// A program and its guests end, and the operator gives its computes to the other hosts before it is started again.
    case hostIsLost(program: Int)
    /// A guest's process ends, the nth of those that run.
    case guestDies(nth: Int)
    case guestPowersOff(nth: Int)
    /// Somebody takes all guests out of the network by hand, or one of them, or removes a seed.
    case networkFlushed
    case tapDeleted(nth: Int)
    case seedRemoved(nth: Int)
    /// For so long, images can't be had.
    case imagesGone(milliseconds: Int64)
    /// For so long, no guest's SSH server answers.
    case guestsSilent(milliseconds: Int64)
    /// For so long, guests ignore their power button.
    case guestsDeaf(milliseconds: Int64)
    /// For so long, every write is refused, as on a full disk.
    case diskFull(milliseconds: Int64)
    /// The wall clock is moved forward.
    case clockJumps(milliseconds: Int64)
    /// The operator deletes the team that has no clients.
    case teamIsDeleted
    /// The operator moves a guest to another host, the nth of those that run.
    case moved(nth: Int)
}
