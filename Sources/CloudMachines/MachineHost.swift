import CloudCore

/// A host of machines: all that the worker may ask of it. `QEMUHost` and `SimulatedHost` conform.
///
/// Every call looks first and acts second, so that it can be repeated after a crash at any point, and throws a
/// `CloudError` that says what was tried and what to do. Calls for one machine never overlap; calls for different
/// machines do.
public protocol MachineHost: Sendable {
    /// How guests are reached on this host.
    var networkMode: NetworkMode { get }

    /// Snapshots of its machines' disks.
    var snapshots: any SnapshotHost { get }

    /// Images of teams' own that it makes, keeps and fetches from other hosts.
    var teamImages: any ImageHost { get }

    /// Whether the image's bytes are here and verified. Starts the download or build in the background if they
    /// are not, and returns at once.
    func image(_ image: Image) async -> ImageStatus

    /// Makes the machine's disk, as large as its specification says, over the image, which is ready. A disk that is
    /// there is kept, since it is its owner's; one of another compute that had the same id is not taken for it. Throws
    /// `UNPROCESSABLE_ENTITY` when it can never be made, since the image is larger.
    func makeDisk(_ machine: Machine, from image: Image) async throws

    /// Makes the disk that is there as large as the specification says; never smaller, and never anew. The machine must
    /// be off. Throws `RESOURCE_NOT_FOUND` when the disk is gone.
    func growDisk(_ machine: Machine) async throws

    /// Makes the seed that the guest reads its identity from (NoCloud).
    func makeSeed(_ machine: Machine) async throws

    /// Makes the host's network what the plan says, whole: what is missing is made, what is ours and not in the plan
    /// goes. Calls never overlap.
    func applyNetwork(_ plan: NetworkPlan) async throws

    /// Starts the machine unless it runs. Returns when its monitor answers. Throws `RESOURCE_NOT_FOUND` when its disk is
    /// gone, and `SSHPortTaken` when another program has its port.
    func boot(_ machine: Machine) async throws

    /// What the machine is doing, as seen on the host itself.
    func status(_ id: Int64) async throws -> MachineStatus

    /// Whether the guest's SSH server answers with its banner. Returns within a second; never throws, since "not
    /// yet" is the usual answer.
    func answersSSH(_ machine: Machine) async -> Bool

    /// Asks the guest to shut down, by its power button, and returns at once: `status` says when it has. A guest may
    /// ignore it, so who stops gracefully first and by force then needs a deadline and `halt`. Nothing to ask is
    /// success.
    func pressPowerButton(_ id: Int64) async throws

    /// Ends the machine at once, and returns when its process is gone. Nothing to end is success.
    func halt(_ id: Int64) async throws

    /// Removes the machine's disk, seed and sockets. Nothing to remove is success. The machine must be halted.
    func erase(_ id: Int64) async throws

    /// Ends a machine whose compute another host has by now, and removes what is here of it: all but its disk, which is the
    /// other's. Nothing to end is success, and a machine that is being moved (`MovingHost`) is left alone. For hosts that
    /// share their disks.
    func vacate(_ id: Int64) async throws

    /// Which boot of the host this is: another text after each, and within a container after each start of it.
    func bootId() async throws -> String

    /// What is on this host of machines of this installation, of each that has anything at all.
    func inventory() async throws -> [Int64: MachineParts]

    /// The ids of the machines that have anything on this host: those in `inventory`, without a look at each.
    func machineIds() async throws -> Set<Int64>

    /// What is on this host of one machine.
    func parts(of id: Int64) async throws -> MachineParts

    /// Holds guests whose disks grow when too little space is left on the host's disk, so that the host and its database can
    /// still write; `status` lets them go on once there is space again. To be called several times a second. `nil` where
    /// machines take no space.
    func keepReserve() async throws -> SpaceReport?

    /// What differs from the network that `applyNetwork` would make of the plan, a line for each thing; empty: nothing.
    /// Changes nothing, and may be asked while `applyNetwork` is under way.
    func networkDrift(from plan: NetworkPlan) async throws -> [String]
}

extension MachineHost {
    public func keepReserve() async throws -> SpaceReport? { nil }

    public func machineIds() async throws -> Set<Int64> { Set(try await inventory().keys) }

    public func parts(of id: Int64) async throws -> MachineParts {
        try await inventory()[id] ?? MachineParts()
    }
}

/// How guests are reached.
public enum NetworkMode: String, Sendable {
    /// A bridge per team, addresses of our own, nftables. Needs root.
    case bridged
    /// QEMU's user-mode network with the guest's SSH port forwarded to a port of the host. Needs nothing.
    case user
}

/// What a machine must be: all that a host needs to make it.
public struct Machine: Sendable, Equatable {
    /// The compute's id.
    public var id: Int64
    public var hostName: String
    public var vcpus: Int
    public var memoryMb: Int
    public var storageGb: Int
    /// Whole lines for root's `authorized_keys`.
    public var publicKeys: [String]
    /// The owner's part of what cloud-init runs.
    public var userData: String?
    public var attachment: NetworkAttachment
    /// When its compute was created: tells it from another that had the same id before a restore.
    public var createdAtMs: Int64

    public init(
        id: Int64, hostName: String, vcpus: Int, memoryMb: Int, storageGb: Int,
        publicKeys: [String], userData: String? = nil, attachment: NetworkAttachment, createdAtMs: Int64 = 0
    ) {
        self.id = id
        self.hostName = hostName
        self.vcpus = vcpus
        self.memoryMb = memoryMb
        self.storageGb = storageGb
        self.publicKeys = publicKeys
        self.userData = userData
        self.attachment = attachment
        self.createdAtMs = createdAtMs
    }
}

/// One machine's place in the network.
public struct NetworkAttachment: Sendable, Equatable {
    public var computeId: Int64
    public var teamId: Int64
    /// The team's private network; its `gateway` is the host's address on the team's bridge.
    public var network: IPv4Network
    public var privateIpv4: IPv4Address
    public var publicIpv4: IPv4Address?
    /// Port of the host's loopback that leads to the guest's port 22; set in user mode alone.
    public var sshPort: Int?

    public init(
        computeId: Int64, teamId: Int64, network: IPv4Network, privateIpv4: IPv4Address,
        publicIpv4: IPv4Address? = nil, sshPort: Int? = nil
    ) {
        self.computeId = computeId
        self.teamId = teamId
        self.network = network
        self.privateIpv4 = privateIpv4
        self.publicIpv4 = publicIpv4
        self.sshPort = sshPort
    }

    public var mac: MACAddress { MACAddress(privateIpv4: privateIpv4) }
}

/// All attachments of a host, as the database has them, and where its guests' teammates are.
public struct NetworkPlan: Sendable, Equatable {
    public var attachments: [NetworkAttachment]
    /// Teammates on other hosts. Those of teams without a compute here are nothing to this host.
    public var remotes: [RemoteAttachment]
    /// Computes whose taps are here and lead nowhere: their machines are to come from another host, or may have to come
    /// back from one.
    public var spareTaps: Set<Int64>

    public init(
        attachments: [NetworkAttachment], remotes: [RemoteAttachment] = [], spareTaps: Set<Int64> = []
    ) {
        self.attachments = attachments
        self.remotes = remotes
        self.spareTaps = spareTaps
    }
}

/// Whether an image can be used now.
public enum ImageStatus: Sendable, Equatable {
    case ready
    /// On its way; the text says how far, for the owner: `downloading, 120 of 600 MB`.
    case preparing(String)
    /// Can't be had; the text says why and what to do.
    case unavailable(String)
}

/// What a machine is doing.
public enum MachineStatus: String, Sendable {
    /// No process.
    case absent
    /// A process whose monitor answers.
    case running
    /// The guest stands still, since the host's disk has no space for what it writes. It goes on by itself once there is.
    case outOfSpace
    /// The guest has powered itself off; its process waits to be halted, so that this is told from a crash.
    case poweredOff
    /// It comes from another host: what is here of it has no guest that runs, and must not be started (`MovingHost`).
    case arriving
    /// It has gone to another host, or may have: its guest must not go on here (`MovingHost`).
    case departed
}
