import CloudCore
import QMP

extension QEMUHost: WarmingHost {
    /// So many that one is neither the same twice nor too long for a tap's name.
    private static let numbers: ClosedRange<Int64> = 10_000_000_000...99_999_999_999

    public func warmKind(_ image: Image, _ specification: Specification) async throws -> String? {
        guard settings.disks == nil, await imageStore.status(image) == .ready else { return nil }
        return try kind(try machine(of: specification), try await imageStore.ready(image))
    }

    public func warmGuests() async throws -> [WarmGuest] {
        let numbers = try warmNumbers()
        // A process whose folder somebody has removed, or whose mark, is of no use, and nobody else ends it.
        let strays = try table.warmNumbers().subtracting(numbers).sorted()
        var guests = strays.map { WarmGuest(number: $0, kind: "", state: .broken, startedAtMs: 0) }
        for number in numbers {
            let directory = warmDirectory(number)
            // Without one that can be read there is nothing of it yet, nothing any more, or nothing of use.
            let mark = WarmMark.readable(directory)
            guests.append(
                WarmGuest(
                    number: number, kind: mark?.kind ?? "",
                    state: mark == nil ? .broken : try await warmState(number),
                    startedAtMs: mark?.startedAtMs ?? 0))
        }
        return guests
    }

    public func warm(_ image: Image, _ specification: Specification) async throws -> Int64 {
        let number = Int64.random(in: Self.numbers)
        let directory = warmDirectory(number)
        guard !MachineFiles.exists(directory.path) else {
            throw CloudError.bug("the number \(number) of a guest that is booted ahead is taken")
        }
        let base = try await imageStore.ready(image)
        var machine = try machine(of: specification)
        machine.id = number
        try await MachineFiles.makeFolder(directory.path, as: .makeFolder)
        let seed = try await WarmSeed.make(at: directory.seed)
        let mark = WarmMark(
            number: number, kind: try kind(machine, base), startedAtMs: SystemClock().nowMs, seed: seed)
        try await mark.write(directory)
        let disk = MachineDisk(path: directory.disk, storageGb: machine.storageGb)
        try await disk.make(over: base)
        try await network?.addTap(WarmTap.name(number))
        try await MachineProcess(id: mark.machineId, directory: directory, table: table).start(
            program(as: mark.machineId)
        ) {
            try await imageStore.check(base)
            var arguments = arguments(machine, over: base, in: directory, as: mark.machineId)
            arguments.warm = QEMUArguments.WarmDevices(gates: seed.gates)
            return MachineLaunch(
                arguments: arguments, disk: try await disk.open(), tap: try await tap(WarmTap.name(number)),
                group: try group(mark.machineId, machine))
        }
        return number
    }

    public func discardWarm(_ number: Int64) async throws {
        let directory = warmDirectory(number)
        try await MachineProcess(id: MachineUUID.firstWarm + number, directory: directory, table: table)
            .halt()
        try await groups?.remove(MachineUUID.firstWarm + number)
        try await network?.removeTap(WarmTap.name(number))
        try await remove(directory.path)
    }

    // MARK: - To a compute

    /// Gives the compute a guest that is as its own would be, if there is one that is ready. Only a compute of which
    /// nothing is here yet gets one.
    func takeWarm(for machine: Machine, of image: Image) async throws {
        let directory = directory(machine.id)
        guard settings.disks == nil, !MachineFiles.exists(directory.path) else { return }
        let numbers = try warmNumbers()
        guard !numbers.isEmpty, WarmSeed.fits(seed(machine, clockMs: SystemClock().nowMs)) else { return }
        let kind = try kind(machine, try await imageStore.ready(image))
        for number in numbers {
            let warm = warmDirectory(number)
            guard WarmMark.readable(warm)?.kind == kind, try await warmState(number) == .ready else {
                continue
            }
            try await MachineFiles.makeFolder(MachineDirectory.all(settings.dataDirectory), as: nil)
            if try await MachineFiles.take(warm.path, to: directory.path, as: .takeGuest) { return }
        }
    }

    /// Lets a guest that stands still before its seed say who it is, by the seed that it has open. False when there is no
    /// such guest: then the seed is made anew.
    func fillWarmSeed(_ machine: Machine) async throws -> Bool {
        guard let mark = try await waiting(machine.id) else { return false }
        try await mark.seed.fill(
            directory(machine.id).seed, with: seed(machine, clockMs: SystemClock().nowMs))
        return true
    }

    /// Plugs the network of the compute into its guest that was booted ahead, and lets it go on. Does nothing for any
    /// other machine. A guest that can't go on is ended, and its machine then boots as any other.
    func wakeWarm(_ machine: Machine) async throws {
        guard try await waiting(machine.id) != nil else { return }
        do {
            guard try networkMode == .user || TapState(of: machine.attachment.tapName()) == .used else {
                throw QMPError.refused(class: "network", description: "the guest does not have its tap open")
            }
            let (backend, card) = (userNetwork(machine), card(machine))
            try await QMPClient.withConnection(to: directory(machine.id).monitorSocket) { client in
                let monitor = WarmMonitor(monitor: client)
                try await HostEffect.plugNetwork.make { try await monitor.plugNetwork(backend, card: card) }
                try await HostEffect.openSeed.make { try await monitor.openSeed() }
                try await HostEffect.wakeGuest.make { try await monitor.wake() }
            }
        } catch QMPError.refused {
            try await process(machine.id).halt()
        }
    }

    /// The network of QEMU's own; `nil` where the guest has a tap.
    private func userNetwork(_ machine: Machine) -> [String: QMPValue]? {
        guard networkMode == .user else { return nil }
        let forward = machine.attachment.sshPort.map { port -> QMPValue in
            [["str": .string("tcp:127.0.0.1:\(port)-:22")]]
        }
        let restrict = QMPValue.bool(!settings.userModeInternet)
        return ["type": "user", "restrict": restrict, "ipv6": .bool(false)].merging(
            forward.map { ["hostfwd": $0] } ?? [:]
        ) { $1 }
    }

    private func card(_ machine: Machine) -> [String: QMPValue] {
        let mtu = network?.settings.guestMtu.map { QMPValue.integer(Int64($0)) }
        return ["mac": .string(machine.attachment.mac.description)]
            .merging(mtu.map { ["host_mtu": $0] } ?? [:]) { $1 }
    }

    // MARK: - What there is

    /// What stands for the machine in its UUID and its user: its own id, unless its guest was booted ahead.
    func machineId(_ id: Int64) throws(CloudError) -> Int64 {
        try WarmMark.read(directory(id))?.machineId ?? id
    }

    /// The taps that guests of these computes had before they were anybody's, by the taps that they have now.
    func warmTaps(_ plan: NetworkPlan) throws -> [String: String] {
        var taps: [String: String] = [:]
        for attachment in plan.attachments {
            guard let mark = WarmMark.readable(directory(attachment.computeId)) else { continue }
            taps[try attachment.tapName()] = WarmTap.name(mark.number)
        }
        return taps
    }

    private func warmDirectory(_ number: Int64) -> MachineDirectory {
        MachineDirectory(data: settings.dataDirectory, warm: number)
    }

    private func warmNumbers() throws -> [Int64] {
        let folder = MachineDirectory.allWarm(settings.dataDirectory)
        guard MachineFiles.exists(folder) else { return [] }
        return try MachineFiles.names(in: folder).compactMap { Int64($0) }.sorted()
    }

    private func warmState(_ number: Int64) async throws -> WarmGuest.State {
        let directory = warmDirectory(number)
        guard try table.process(of: MachineUUID.firstWarm + number, in: directory) != nil else {
            return .broken
        }
        do {
            return try await QMPClient.withConnection(to: directory.monitorSocket) { client in
                let monitor = WarmMonitor(monitor: client)
                if try await monitor.isReady() { return .ready }
                return try await monitor.runState() == "running" ? .booting : .broken
            }
        } catch is QMPError {
            return .broken  // It has just ended, or was taken: then it is not among them any more.
        }
    }

    /// The mark of a machine whose guest stands still before its seed, since it has not been told who it is; `nil`: it has,
    /// or was not booted ahead.
    private func waiting(_ id: Int64) async throws -> WarmMark? {
        guard let mark = try WarmMark.read(directory(id)), try hasProcess(id) else { return nil }
        do {
            return try await QMPClient.withConnection(to: directory(id).monitorSocket) {
                try await WarmMonitor(monitor: $0).hasGate() ? mark : nil
            }
        } catch let error as QMPError {
            throw CloudError(
                .serviceUnavailable, "The machine's monitor does not answer; it is asked again.",
                detail: "\(error)")
        }
    }

    /// All that counts before a guest is somebody's.
    private func machine(of specification: Specification) throws -> Machine {
        let address = IPv4Address(0)
        guard let network = IPv4Network("0.0.0.0/0") else { throw CloudError.bug("0.0.0.0/0 is no network") }
        return Machine(
            id: 0, hostName: "", vcpus: specification.vcpus, memoryMb: specification.memoryMb,
            storageGb: specification.storageGb, publicKeys: [],
            attachment: NetworkAttachment(computeId: 0, teamId: 0, network: network, privateIpv4: address))
    }

    /// The words that QEMU would be started with for a guest like this one, and the size of its disk.
    private func kind(_ machine: Machine, _ base: ReadyImage) throws -> String {
        var machine = machine
        machine.id = 0
        var arguments = arguments(
            machine, over: base, in: MachineDirectory(data: "", warm: 0), as: MachineUUID.firstWarm)
        arguments.warm = QEMUArguments.WarmDevices(gates: [])
        let mtu = network?.settings.guestMtu.map { "\($0)" } ?? "usual"
        return
            (try arguments.vector + [
                "\(machine.storageGb) GB", "over \(base.disk)", "MTU \(mtu)", "\(version)",
            ])
            .joined(separator: " ")
    }
}

/// The tap of a guest that is booted ahead: it leads nowhere, and gets the name of a compute's when that takes the guest.
enum WarmTap {
    static func name(_ number: Int64) -> String { "\(NetworkSettings.defaultNamePrefix)-w\(number)" }
}
