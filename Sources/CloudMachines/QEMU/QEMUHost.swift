import CloudCore
import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A host that runs machines with QEMU.
///
/// It remembers nothing: what there is, is in the machines' folders and in the host's process table. Machines outlive
/// this program, and the next one finds them again.
public struct QEMUHost: MachineHost {
    /// What the operator decides.
    public struct Settings: Sendable {
        /// Absolute path of our folder, at most 66 bytes long (unix sockets lie in it).
        public var dataDirectory: String
        /// Tells this installation's machines from those of others on the same host; the same for as long as the
        /// database lives.
        public var installationId: String
        /// The folder of the disks that other hosts have too, and of their images; `nil`: they lie in `dataDirectory`.
        public var disks: String?
        public var networkMode: NetworkMode
        /// What of the free space of their disks' file system guests may not take; `nil`: by its size.
        public var reserve: DiskReserve?
        /// What guests ask for names, in bridged mode.
        public var nameservers = Nameservers.fallback.addresses
        /// Whether guests reach the internet in user mode, and with it all that the server's own user reaches, the host's
        /// loopback included.
        public var userModeInternet = false
        /// QEMU's program: a name looked up in PATH, or an absolute path.
        public var program = "qemu-system-x86_64"
        /// What guests run on, when the operator decides; `nil` lets a probe find out.
        public var accelerator: AcceleratorChoice?
        /// Whether each guest gets a control group, in the group that the system has delegated to us (`GuestGroups`).
        public var guestGroups = false
        /// How fast QEMU copies guests' disks for snapshots while they run, and for images; 0: as fast as it goes.
        var snapshotBytesPerSecond: Int64 = 0
        /// Whether guests have agents that answer; `nil`: QEMU says so of each.
        var guestsHaveAgents: Bool?
        /// The board of guests that start.
        var layout = BoardLayout.present
        /// What copies the disks of machines that are off.
        var copyProgram = "cp"
        /// How long one call stays with a copy that is under way: most are whole by then.
        var copyAttention = Duration.seconds(2)
        /// What images of teams' own may be, and whose servers they come from.
        public var teamImages = TeamImageSettings()
        /// For what the owner of a machine is not told.
        public var logger = Logger(label: "strettch.host")
        /// How machines move to and from other hosts.
        public var move = MoveSettings()

        public init(dataDirectory: String, installationId: String, networkMode: NetworkMode) {
            self.dataDirectory = dataDirectory
            self.installationId = installationId
            self.networkMode = networkMode
        }
    }

    /// What the host needs of the images: all may be called at any time.
    public struct Images: Sendable {
        var status: @Sendable (Image) async -> ImageStatus
        var ready: @Sendable (Image) async throws -> ReadyImage
        /// Throws when what a disk lies over is damaged.
        var check: @Sendable (ReadyImage) async throws -> Void
        /// Ends the work on the image with this key that is under way.
        var end: @Sendable (_ key: String) async -> Void

        public init(
            status: @escaping @Sendable (Image) async -> ImageStatus,
            ready: @escaping @Sendable (Image) async throws -> ReadyImage,
            check: @escaping @Sendable (ReadyImage) async throws -> Void,
            end: @escaping @Sendable (_ key: String) async -> Void = { _ in }
        ) {
            self.status = status
            self.ready = ready
            self.check = check
            self.end = end
        }
    }

    /// What guests run on, and why; the operator wants to know.
    public let accelerator: AcceleratorChoice

    /// Why guests have no control groups although they should; `nil`: they have, or are not to.
    public let guestGroupsProblem: String?

    var settings: Settings
    var groups: GuestGroups?
    let version: QEMUVersion
    let imageStore: Images
    let network: BridgedNetwork?
    let table: ProcessTable
    let growth = DiskGrowth()
    let copies = HostCopies()
    let imageWork = ImageWork()
    let uploads = Uploads()
    let thaws = GuestThaws()

    /// Looks at the host: QEMU's version, the data directory, and whether KVM works (some seconds, once per boot of
    /// the host). `network` is the host's own in bridged mode, and `nil` in user mode: there QEMU brings one.
    public static func open(
        _ settings: Settings, images: Images, network: BridgedNetwork?
    ) async throws -> QEMUHost {
        try MachineDirectory.check(data: settings.dataDirectory)
        try await MachineFiles.makeFolder(MachineDirectory.all(settings.dataDirectory), as: nil)
        let words = try await Command(settings.program, ["--version"], timeoutSeconds: 10).run(as: nil)
            .standardOutput
        guard let version = QEMUVersion(words) else {
            throw CloudError(
                .serviceUnavailable,
                "\(settings.program) is no QEMU. Name QEMU's program, such as qemu-system-x86_64.",
                detail: words)
        }
        let probe = AcceleratorProbe(
            program: settings.program, folder: settings.dataDirectory,
            uid: MachineUser.uid(0))
        let accelerator =
            if let chosen = settings.accelerator { chosen } else { try await probe.choice() }
        let table = ProcessTable(
            installation: settings.installationId, data: settings.dataDirectory)
        let (groups, problem) = try guestGroups(settings, accelerator.accelerator)
        return QEMUHost(
            accelerator: accelerator, guestGroupsProblem: problem, settings: settings, groups: groups,
            version: version, imageStore: images, network: network, table: table)
    }

    public var networkMode: NetworkMode { settings.networkMode }

    public func image(_ image: Image) async -> ImageStatus { await imageStore.status(image) }

    public func makeDisk(_ machine: Machine, from image: Image) async throws {
        try checkSpace()
        try await takeWarm(for: machine, of: image)
        try await claim(machine)
        try await disk(machine).make(over: try await imageStore.ready(image))
    }

    public func growDisk(_ machine: Machine) async throws {
        try await disk(machine).grow(by: program(as: try machineId(machine.id)))
    }

    public func makeSeed(_ machine: Machine) async throws {
        if try await fillWarmSeed(machine) { return }
        let directory = directory(machine.id)
        try await MachineFiles.makeFolder(directory.path, as: .makeFolder)
        try await seed(machine).write(to: directory.seed)
    }

    /// - Parameter clockMs: what time it is, for a guest whose clock has stood still.
    func seed(_ machine: Machine, clockMs: Int64? = nil) -> MachineSeed {
        MachineSeed(
            machine, networkMode: networkMode, nameservers: settings.nameservers,
            mtu: network?.settings.guestMtu, clockMs: clockMs)
    }

    public func applyNetwork(_ plan: NetworkPlan) async throws {
        try await network?.apply(plan, renaming: try warmTaps(plan))
    }

    public func networkDrift(from plan: NetworkPlan) async throws -> [String] {
        try await network?.drift(from: plan) ?? []
    }

    public func bootId() throws -> String { try HostBoot.id() }

    public func boot(_ machine: Machine) async throws {
        try await wakeWarm(machine)
        try await process(machine.id).start(program(as: try machineId(machine.id))) {
            try checkMayBoot(machine.id)
            if networkMode == .user, let port = machine.attachment.sshPort { try HostPort.check(port) }
            return try await launch(machine)
        }
    }

    /// All that its QEMU is started with: `change` may change the arguments.
    func launch(
        _ machine: Machine, _ change: (inout QEMUArguments) -> Void = { _ in }
    ) async throws -> MachineLaunch {
        try await imageStore.check(try await disk(machine).base())
        let disk = try await disk(machine).open()
        var arguments = try arguments(machine, over: disk.image)
        change(&arguments)
        return MachineLaunch(
            arguments: arguments, disk: disk, tap: try await tap(machine.attachment.tapName()),
            group: try group(try machineId(machine.id), machine))
    }

    /// A machine's tap, open; `nil` where it has none.
    func tap(_ name: @autoclosure () throws -> String) async throws -> OpenFile? {
        guard networkMode == .bridged, let network else { return nil }
        return try await network.openTap(try name())
    }

    func arguments(_ machine: Machine, over image: ReadyImage) throws -> QEMUArguments {
        arguments(machine, over: image, in: directory(machine.id), as: try machineId(machine.id))
    }

    /// - Parameter machineId: what stands for the machine in its UUID and its user.
    func arguments(
        _ machine: Machine, over image: ReadyImage, in directory: MachineDirectory, as machineId: Int64
    ) -> QEMUArguments {
        QEMUArguments(
            machine: machine, image: image, directory: directory,
            uuid: MachineUUID(installation: settings.installationId, id: machineId),
            accelerator: accelerator.accelerator, networkMode: networkMode, mtu: network?.settings.guestMtu,
            isRestricted: !settings.userModeInternet, layout: settings.layout)
    }

    public func status(_ id: Int64) async throws -> MachineStatus {
        let status = try await process(id).status()
        if status == .running { thawLater(id) }
        return status == .absent && MachineFiles.exists(directory(id).departure) ? .departed : status
    }

    public func answersSSH(_ machine: Machine) async -> Bool {
        switch networkMode {
        case .bridged: await SSHProbe.answersSoon(machine.attachment.privateIpv4, port: 22)
        case .user:
            if let port = machine.attachment.sshPort {
                await SSHProbe.answersSoon(IPv4Address(0x7F00_0001), port: port)  // 127.0.0.1
            } else {
                false
            }
        }
    }

    public func pressPowerButton(_ id: Int64) async throws { try await process(id).pressPowerButton() }

    public func halt(_ id: Int64) async throws {
        let hasShutDown = (try? await process(id).status()) == .poweredOff  // unknown: it has not
        try await process(id).halt()
        // Where it is lost, a snapshot says less than it could.
        if hasShutDown {
            try await HostEffect.markShutDown.make { try MachineFiles.touch(directory(id).shutDown) }
        }
        try await groups?.remove(try machineId(id))
        // Until the network is applied, the guest has the tap that it was booted ahead with.
        if let mark = WarmMark.readable(directory(id)) {
            try await network?.removeTap(WarmTap.name(mark.number))
        }
    }

    public func erase(_ id: Int64) async throws {
        let directory = directory(id)
        guard try await process(id).status() == .absent else {
            throw CloudError(
                .conflict, "The machine still runs. Stop it before its disk is removed.",
                detail: directory.path)
        }
        await copies.endAll(in: directory.diskFolder)
        // The folder that tells of the disk goes after it.
        if directory.sharesDisk { try await remove(directory.diskFolder) }
        try await remove(directory.path)
    }

    public func vacate(_ id: Int64) async throws {
        let directory = directory(id)
        // Whoever moves it ends the move.
        guard ![directory.arrival, directory.departure].contains(where: MachineFiles.exists) else { return }
        try await process(id).halt()
        await copies.endAll(in: directory.diskFolder)
        if directory.sharesDisk { try await remove(directory.path) }
    }

    /// Removes a folder with all that is in it. Another program does, since removing a large file can block for seconds.
    func remove(_ folder: String, as effect: HostEffect = .eraseFolder) async throws {
        guard MachineFiles.exists(folder) else { return }
        try await Command("rm", ["-rf", "--", folder]).run(as: effect)
    }

    func directory(_ id: Int64) -> MachineDirectory {
        MachineDirectory(data: settings.dataDirectory, disks: settings.disks, id: id)
    }

    func disk(_ machine: Machine) -> MachineDisk {
        MachineDisk(
            path: directory(machine.id).disk, storageGb: machine.storageGb, shared: settings.disks,
            images: imageFolder)
    }

    func process(_ id: Int64) -> MachineProcess {
        MachineProcess(id: id, directory: directory(id), table: table, mayGoOn: { hasSpaceToGoOn })
    }

    /// - Parameter machineId: what stands for the machine in its user.
    func program(as machineId: Int64) -> QEMUProgram {
        QEMUProgram(
            program: settings.program, uid: MachineUser.uid(machineId), accelerator: accelerator.accelerator)
    }
}
