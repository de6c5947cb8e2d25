import CloudCore
import QMP

extension QEMUHost {
    /// How long one call of `depart` stays with the copy of the memory.
    private static let attention = Duration.seconds(15)
    private static let pollInterval = Duration.milliseconds(20)
    /// The longest command line that is read, in bytes.
    private static let commandLineLimit = 64 << 10

    public func departure(of machine: Machine) async throws -> Departure {
        guard try await status(machine.id) == .running,
            let process = try table.process(of: machine.id, in: directory(machine.id))
        else { throw Self.cannotMove("it does not run on its host. Start it first.") }
        let line = MachineFiles.text("/proc/\(process.pid)/cmdline", limit: Self.commandLineLimit) ?? ""
        guard QEMUNode.keepsDiskOpen(line) else {
            throw Self.cannotMove("it was started by an earlier version of the program. Reboot it first.")
        }
        let image = try await disk(machine).base()
        let (board, disk) = try await monitor(machine.id).move { (try await $0.board(), try await $0.disk()) }
        return Departure(
            board: board, processor: processor, diskBytes: disk.bytes, imageSha256: image.sha256,
            guestMtu: QEMUArguments.guestMtu(of: line),
            hasNetworkPort: line.contains(QEMUArguments.networkPort) ? true : nil,
            layout: BoardLayout(commandLine: line).rawValue)
    }

    public func depart(
        _ machine: Machine, to arrival: Arrival, certificate: String
    ) async throws -> MoveStatus {
        let id = machine.id
        let deadline = ContinuousClock.now + Self.attention
        while true {
            guard try hasProcess(id) else { return .failed("the machine has ended on its host") }
            let look = try await monitor(id).move { try await $0.lookAtDeparture() }
            do {
                switch look.next {
                case .identify: try await identify(id, to: arrival, certificate)
                case .awaitDisk(let text): return .copying(text)
                case .awaitMemory(let text):
                    guard ContinuousClock.now < deadline else { return .copying(text) }
                    try await Task.sleep(for: Self.pollInterval)
                case .switchOver: try await switchOver(id)
                case .stop(let status):
                    if case .failed = status { try await monitor(id).move { try await $0.cancelMemory() } }
                    return status
                case let act:
                    let settings = settings.move
                    try await monitor(id).move { try await $0.act(act, arrival, id, settings) }
                }
            } catch let refusal as MoveRefusal {
                // The guest may stand still, and waits for nothing any more.
                try await monitor(id).move { try await $0.cancelMemory() }
                return .failed(refusal.reason)
            }
        }
    }

    private func identify(_ id: Int64, to arrival: Arrival, _ certificate: String) async throws {
        // QEMU stands still while it connects, so the first attempt is ours.
        guard await TCPProbe.accepts(arrival.address, port: arrival.diskPort) else {
            throw MoveRefusal(
                reason: "the other host does not answer at \(arrival.address) port \(arrival.diskPort)")
        }
        let folder = try credentials(id, as: .client, peer: certificate)
        try await folder.with {
            try await monitor(id).move { try await $0.useCredentials(folder.folder, as: .client) }
        }
    }

    /// Lets the machine go. From before that on nothing boots it here: nobody may be left who knows whether it has gone.
    private func switchOver(_ id: Int64) async throws {
        try await MachineFiles.write("".utf8, to: directory(id).departure, as: .expectSwitch)
        try await monitor(id).move { try await $0.switchOver() }
    }

    public func finishDeparture(_ id: Int64) async throws {
        let directory = directory(id)
        guard MachineFiles.exists(directory.path) else { return }
        switch try await status(id) {
        case .departed: break
        case .absent where !MachineFiles.exists(directory.disk): break
        case .absent, .running, .outOfSpace, .poweredOff, .arriving:
            throw CloudError(
                .conflict, "The compute's machine is on this host still. Nothing was removed.",
                detail: directory.path)
        }
        try await halt(id)
        // The mark goes after the disk, which nothing may boot.
        try await MachineFiles.remove(directory.disk, as: .settleDeparture)
        try await erase(id)
    }

    public func cancelDeparture(_ id: Int64) async throws {
        guard try hasProcess(id) else {
            return try await MachineFiles.remove(directory(id).departure, as: .settleDeparture)
        }
        try await monitor(id).move { monitor in
            try await monitor.cancelMemory()
            if try await monitor.runState() == "postmigrate" { try await monitor.resume() }
        }
        try await MachineFiles.remove(directory(id).departure, as: .settleDeparture)
        try await monitor(id).move { monitor in
            try await monitor.cancelDisk()
            try await monitor.forgetCredentials()
        }
    }
}

/// What QEMU refuses at a departure: the move fails, and the guest goes on.
struct MoveRefusal: Error {
    var reason: String
}
