import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A host whose machines are pretended, and kept as small files, so that they outlive this program as QEMU's do. For
/// `serve --simulated`.
///
///     ID/disk      its size in GB
///     ID/seed      the guest's name
///     ID/process   `running`, or `off` once the guest has powered itself off; who removes it crashes the machine
///     network      all machines' places in the network, a line each
///     snapshots/, images/
///
/// It remembers nothing, as `QEMUHost` does. Each effect is one file that appears whole or goes, so that a kill at any
/// moment leaves exactly what was done. Nothing is synced: it need not outlive a power cut.
public struct SimulatedFolderHost: MachineHost {
    public let networkMode: NetworkMode
    let path: String
    /// How long each call takes.
    private let delay: Duration
    private let clock: any CloudClock

    static let running = "running"
    private static let off = "off"
    static let departing = "departing"
    static let departed = "departed"
    static let arriving = "arriving"
    /// The longest file of a machine, in bytes.
    static let fileLimit = 4096

    /// Makes the folder at `path` if it is missing.
    public init(
        path: String, networkMode: NetworkMode, delay: Duration = .zero,
        clock: any CloudClock = SystemClock()
    ) throws {
        try HostFiles.makeFolder(path)
        self.path = path
        self.networkMode = networkMode
        self.delay = delay
        self.clock = clock
    }

    public func image(_ image: Image) async -> ImageStatus {
        do {
            try await pause()
            guard case .cell(let id, let createdAtMs, let content) = image.source else { return .ready }
            try fetch(ImageOnHost(id: id, createdAtMs: createdAtMs), content: content)
            return .ready
        } catch {
            return .unavailable("The image \(image.image) can't be fetched. Try again.")
        }
    }

    public func makeDisk(_ machine: Machine, from image: Image) async throws {
        try await pause()
        guard try read(.disk, of: machine.id) == nil else { return }
        try write("\(machine.storageGb)", .disk, of: machine.id)
    }

    public func growDisk(_ machine: Machine) async throws {
        try await pause()
        guard let size = try read(.disk, of: machine.id).flatMap({ Int($0) }) else {
            throw noDisk(machine.id)
        }
        if size < machine.storageGb { try write("\(machine.storageGb)", .disk, of: machine.id) }
    }

    public func makeSeed(_ machine: Machine) async throws {
        try await pause()
        try write(machine.hostName, .seed, of: machine.id)
    }

    public func applyNetwork(_ plan: NetworkPlan) async throws {
        try await pause()
        let text = Self.text(plan)
        if text != networkText() { try write(text, to: network) }
    }

    public func boot(_ machine: Machine) async throws {
        try await pause()
        guard try read(.disk, of: machine.id) != nil else { throw noDisk(machine.id) }
        guard try read(.seed, of: machine.id) != nil else {
            throw CloudError.bug("machine \(machine.id) is booted without a seed")
        }
        switch try present(machine.id) {
        case .running, .outOfSpace: break
        case .absent, .poweredOff: try write(Self.running, .process, of: machine.id)
        case .arriving, .departed: throw SimulatedMove.cannotBoot
        }
    }

    public func status(_ id: Int64) async throws -> MachineStatus {
        try await pause()
        return try present(id)
    }

    /// What the machine is doing now.
    func present(_ id: Int64) throws -> MachineStatus {
        switch try read(.process, of: id) {
        case nil: .absent
        case Self.off: .poweredOff
        case Self.arriving: .arriving
        case Self.departed: .departed
        default: .running
        }
    }

    public func answersSSH(_ machine: Machine) async -> Bool {
        do {
            try await pause()
            return try present(machine.id) == .running && isAttached(machine.attachment)
        } catch {
            return false  // "not yet", as the protocol has it
        }
    }

    public func pressPowerButton(_ id: Int64) async throws {
        try await pause()
        if try present(id) == .running { try write(Self.off, .process, of: id) }
    }

    public func halt(_ id: Int64) async throws {
        try await pause()
        try remove(.process, of: id)
    }

    public func erase(_ id: Int64) async throws {
        try await pause()
        guard try read(.process, of: id) == nil else {
            throw CloudError(
                .conflict, "The machine still runs. Stop it before its disk is removed.", detail: folder(id))
        }
        try HostFiles.remove(folder(id))
    }

    /// Pretended machines' disks are on no other host, so this leaves them where they are.
    public func vacate(_ id: Int64) async throws { try await halt(id) }

    /// Always the same: pretended machines outlive the host's reboot too.
    public func bootId() -> String { "simulated" }

    public func inventory() throws -> [Int64: MachineParts] {
        Dictionary(uniqueKeysWithValues: try machineIds().map { ($0, try parts(of: $0)) })
    }

    public func machineIds() throws -> Set<Int64> { try MachineFiles.ids(in: path) }

    public func parts(of id: Int64) throws -> MachineParts {
        MachineParts(
            hasProcess: has(.process, id), hasDisk: has(.disk, id), hasSeed: has(.seed, id))
    }

    private func has(_ part: Part, _ id: Int64) -> Bool { MachineFiles.exists(file(part, of: id)) }

    /// What is in a folder of pretended machines, which need not be there, for who works without a server.
    public static func remains(path: String) throws -> MachineRemains {
        guard MachineFiles.exists(path) else { return MachineRemains(processes: [], disks: [], folders: []) }
        let all = try SimulatedFolderHost(path: path, networkMode: .user).inventory()
        return MachineRemains(
            processes: Set(all.filter(\.value.hasProcess).keys), disks: Set(all.filter(\.value.hasDisk).keys),
            folders: Set(all.keys))
    }

    public func networkDrift(from plan: NetworkPlan) -> [String] {
        let text = networkText()
        guard text != Self.text(plan) else { return [] }
        let present = Set(text.split(separator: "\n").map(String.init))
        let wanted = Set(plan.attachments.map { String(Self.line($0).dropLast()) })
        return wanted.subtracting(present).sorted().map { "missing: machine \($0)" }
            + present.subtracting(wanted).sorted().map { "not wanted: machine \($0)" }
    }

    func noDisk(_ id: Int64) -> CloudError {
        CloudError(
            .resourceNotFound,
            "The compute's disk is gone. Ask the operator to restore it, or delete the compute.",
            detail: file(.disk, of: id))
    }

    /// The files of a machine.
    enum Part: String { case disk, seed, process, former }

    func pause() async throws { if delay > .zero { try await clock.sleep(for: delay) } }

    private static func line(_ attachment: NetworkAttachment) -> String {
        let ssh = attachment.sshPort.map { " port \($0)" } ?? ""
        let address = attachment.publicIpv4.map { " public \($0)" } ?? ""
        return "\(attachment.computeId) team \(attachment.teamId) \(attachment.network) "
            + "address \(attachment.privateIpv4)\(address)\(ssh)\n"
    }

    /// All lines, by compute.
    private static func text(_ plan: NetworkPlan) -> String {
        plan.attachments.sorted { $0.computeId < $1.computeId }.map(line).joined()
    }

    private var network: String { "\(path)/network" }

    /// Whether the network has the machine's line: it is asked of each machine, and all have one.
    private func isAttached(_ attachment: NetworkAttachment) -> Bool {
        guard let network = HostFiles.read(network) else { return false }
        let line = Self.line(attachment)
        // Safe: both are there during the call, and end with a zero.
        let isLater = (network + [0]).withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { strstr($0, "\n\(line)") != nil } ?? false
            }
        }
        return isLater || network.starts(with: line.utf8)
    }

    /// The network that there is; empty before the first.
    private func networkText() -> String {
        HostFiles.read(network).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func folder(_ id: Int64) -> String { "\(path)/\(id)" }

    func file(_ part: Part, of id: Int64) -> String { "\(folder(id))/\(part.rawValue)" }

    /// `nil` when there is none. Throws when it is there and can't be read.
    func read(_ part: Part, of id: Int64) throws -> String? {
        let file = file(part, of: id)
        if let text = MachineFiles.text(file, limit: Self.fileLimit) { return text }
        guard !MachineFiles.exists(file) else {
            throw CloudError(
                .internalServerError, "The pretended machine can't be read. Look at the owner of its folder.",
                detail: file)
        }
        return nil
    }

    func write(_ text: String, _ part: Part, of id: Int64) throws {
        try HostFiles.makeFolder(folder(id))
        try write(text, to: file(part, of: id))
    }

    func write(_ text: String, to file: String) throws {
        try HostFiles.write(text.utf8, to: "\(file).new")
        try HostFiles.move("\(file).new", to: file)
    }

    func remove(_ part: Part, of id: Int64) throws { try HostFiles.remove(file(part, of: id)) }
}
