import CloudCore
import QMP

extension QEMUHost {
    public func prepareArrival(
        _ machine: Machine, of image: Image, from departure: Departure, certificate: String
    ) async throws -> Arrival {
        try check(departure, of: machine)
        try await checkBoard(departure.board)
        let wanted = ArrivalMark(
            departure: departure, createdAtMs: machine.createdAtMs, certificate: certificate)
        if let arrival = try await known(wanted, machine.id) { return arrival }
        let directory = directory(machine.id)
        guard !directory.sharesDisk || !MachineFiles.exists(directory.disk) else {
            throw Self.cannotMove(
                "its disk lies in a folder that both hosts share, and would be copied onto itself. Choose a host with "
                    + "other disks.", detail: directory.disk)
        }
        try await claim(machine)
        guard try !hasProcess(machine.id), !MachineFiles.exists(directory.disk) else {
            throw Self.cannotMove(
                "its destination has a disk of it already. End the earlier move there first.",
                detail: directory.disk)
        }
        try await wanted.write(directory, as: .expectArrival)
        let base = try await imageStore.ready(image)
        try await disk(machine).make(over: base)
        try await makeSeed(machine)
        try await start(machine, as: departure)
        return try await listen(
            machine.id, wanted, sharesImage: base.sha256.map { $0 == departure.imageSha256 } ?? false)
    }

    /// Where the machine is awaited, if all is as it was left. What is left of an attempt that was cut short, or of an
    /// earlier move, is removed: nobody knows how much of the disk has come.
    private func known(_ wanted: ArrivalMark, _ id: Int64) async throws -> Arrival? {
        guard let mark = try ArrivalMark.read(directory(id)) else { return nil }
        var asked = mark
        asked.arrival = nil
        if asked == wanted, let arrival = mark.arrival, try await status(id) == .arriving { return arrival }
        try await cancelArrival(id)
        return nil
    }

    /// The board's name comes from a QEMU that its guest may have broken out of, and becomes an argument of ours.
    private func checkBoard(_ board: String) async throws {
        let known = try await Command(settings.program, ["-machine", "help"], timeoutSeconds: 10).run(as: nil)
        guard QEMUVersion.boards(known.standardOutput).contains(board) else {
            throw Self.cannotMove(
                "its board '\(board.prefix(64))' is none that the other host's QEMU makes. Choose a host with the same "
                    + "QEMU.")
        }
    }

    private func check(_ departure: Departure, of machine: Machine) throws(CloudError) {
        guard departure.diskBytes == Int64(machine.storageGb) << 30 else {
            throw Self.cannotMove(
                "its disk has \(departure.diskBytes) bytes on its host, and storageGb \(machine.storageGb) are "
                    + "\(Int64(machine.storageGb) << 30). Stop and start it, which makes the disk as large as it says."
            )
        }
        guard departure.guestMtu == network?.settings.guestMtu else {
            let mtus = [departure.guestMtu, network?.settings.guestMtu].map {
                $0.map { "\($0)" } ?? "the usual"
            }
            throw Self.cannotMove(
                "its guest was told that packets have at most \(mtus[0]) bytes, and on the other host they have "
                    + "\(mtus[1]). Give both hosts the same underlayMtu, and reboot it.")
        }
        _ = try layout(departure)
        guard departure.processor == processor else {
            throw Self.cannotMove(
                "its guest runs on processor \(departure.processor), and the other host has \(processor). "
                    + "Choose a host that is like its own.")
        }
    }

    /// What an earlier version of the program sends is on its board.
    private func layout(_ departure: Departure) throws(CloudError) -> BoardLayout {
        guard let number = departure.layout else { return .first }
        guard let layout = BoardLayout(rawValue: number) else {
            throw Self.cannotMove(
                "it runs on board \(number) of a later version of the program, and the other host has "
                    + "\(BoardLayout.present.rawValue). Update the other host first.")
        }
        return layout
    }

    private func start(_ machine: Machine, as departure: Departure) async throws {
        let layout = try layout(departure)
        try await process(machine.id).start(program(as: try machineId(machine.id))) {
            try await launch(machine) { arguments in
                arguments.arrivesOn = departure.board
                arguments.hasNetworkPort = departure.hasNetworkPort ?? false
                arguments.layout = layout
            }
        }
    }

    /// Opens the disk and the memory to the source alone, and keeps where.
    private func listen(_ id: Int64, _ mark: ArrivalMark, sharesImage: Bool) async throws -> Arrival {
        let folder = try credentials(id, as: .server, peer: mark.certificate)
        try await folder.with {
            try await monitor(id).move { try await $0.useCredentials(folder.folder, as: .server) }
        }
        let settings = settings.move
        let ports = try await monitor(id).move { monitor in
            _ = try await monitor.execute(
                "object-add",
                [
                    "qom-type": "authz-simple", "id": .string(MoveMonitor.Name.peer),
                    "identity": .string("CN=\(MoveCredentials.name(id))"),
                ])
            let diskPort = try await monitor.exportDisk(settings, first: id)
            return (disk: diskPort, memory: try await monitor.awaitMemory(settings, after: diskPort))
        }
        var mark = mark
        let arrival = Arrival(
            address: settings.address.description, diskPort: ports.disk, memoryPort: ports.memory,
            sharesImage: sharesImage)
        mark.arrival = arrival
        try await mark.write(directory(id), as: .announceArrival)
        return arrival
    }

    public func finishArrival(_ id: Int64) async throws {
        let directory = directory(id)
        guard try hasProcess(id) else {
            throw Self.cannotMove(
                "its machine has ended at its destination. Cancel the move.", detail: directory.path)
        }
        let isMarked = MachineFiles.exists(directory.arrival)
        try await monitor(id).move { monitor in
            guard isMarked else { return try await monitor.resumeIfPaused() }
            guard try await monitor.hasReceived() else {
                throw Self.cannotMove("not all of it has reached its destination. Cancel the move.")
            }
            try await monitor.withdrawDisk()
            try await monitor.forgetCredentials()
            // From here on the guest may have run here.
            try await MachineFiles.remove(directory.arrival, as: .settleArrival)
            try await monitor.resumeIfPaused()
        }
    }

    public func cancelArrival(_ id: Int64) async throws {
        let directory = directory(id)
        guard MachineFiles.exists(directory.arrival) else {
            // A disk that hosts share is no sign that the machine has come.
            let sign = directory.sharesDisk ? directory.seed : directory.disk
            guard try !hasProcess(id), !MachineFiles.exists(sign) else {
                throw Self.cannotMove(
                    "it has reached its destination, and its guest may have run there.",
                    detail: directory.path)
            }
            return
        }
        try await halt(id)
        // The mark goes after the disk, which nothing may boot.
        try await MachineFiles.remove(directory.disk, as: .dropHalfArrival)
        try await MachineFiles.remove(directory.arrival, as: .dropHalfArrival)
        try await erase(id)
    }
}

extension MoveMonitor {
    /// The most connections to the disk at once: the source's, and attempts that end at their keys.
    private static let maxConnections: Int64 = 8
    /// How long the last of the memory may be under way after the source has sent it.
    private static let receiveLimit = Duration.seconds(10)
    private static let pollInterval = Duration.milliseconds(20)

    /// Opens the disk to the source on a free port, which it returns. Machines begin to look at different ports.
    func exportDisk(_ settings: MoveSettings, first: Int64) async throws -> Int {
        let node = try await disk().node
        return try await HostEffect.exportDisk.make {
            let start = Int(first % Int64(settings.ports.count))
            let port = try await freePort(in: settings.ports, from: start) { port in
                _ = try await execute(
                    "nbd-server-start",
                    [
                        "addr": [
                            "type": "inet",
                            "data": [
                                "host": .string(settings.address.description), "port": .string("\(port)"),
                            ],
                        ],
                        "tls-creds": .string(Name.credentials), "tls-authz": .string(Name.peer),
                        "max-connections": .integer(Self.maxConnections),
                    ])
            }
            _ = try await execute(
                "block-export-add",
                [
                    "type": "nbd", "id": .string(Name.export), "node-name": .string(node),
                    "name": .string(Name.export), "writable": .bool(true),
                ])
            return port
        }
    }

    /// Awaits the memory of the source alone on a free port, which it returns.
    func awaitMemory(_ settings: MoveSettings, after port: Int) async throws -> Int {
        try await HostEffect.awaitMemory.make {
            try await execute(
                "migrate-set-parameters",
                ["tls-creds": .string(Name.credentials), "tls-authz": .string(Name.peer)])
            return try await freePort(in: settings.ports, from: port + 1 - settings.ports.lowerBound) {
                port in
                _ = try await execute("migrate-incoming", ["uri": .string("tcp:\(settings.address):\(port)")])
            }
        }
    }

    /// The first port that `open` does not refuse. Throws what was refused last.
    private func freePort(
        in ports: ClosedRange<Int>, from start: Int, _ open: (Int) async throws -> Void
    ) async throws -> Int {
        var last = QMPError.closed
        for offset in 0..<ports.count {
            let port = ports.lowerBound + (start + offset) % ports.count
            do {
                try await open(port)
                return port
            } catch let error as QMPError {
                guard case .refused = error else { throw error }
                last = error
            }
        }
        throw CloudError(
            .serviceUnavailable,
            "The host has no free port for a move among \(ports.lowerBound) to \(ports.upperBound); it is tried again.",
            detail: "\(last)")
    }

    /// Whether all of the machine is here; waits a little for what is under way.
    func hasReceived() async throws -> Bool {
        let deadline = ContinuousClock.now + Self.receiveLimit
        while try await runState() == "inmigrate" {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: Self.pollInterval)
        }
        return try await execute("query-migrate")["status"]?.string == "completed"
    }

    /// The guest's disk is its own again: nobody else may write to it.
    func withdrawDisk() async throws {
        guard try await execute("query-block-exports").array?.isEmpty == false else { return }
        try await HostEffect.withdrawDisk.make { _ = try await execute("nbd-server-stop") }
    }

    /// A guest that had powered itself off stays so.
    func resumeIfPaused() async throws {
        if ["paused", "prelaunch", "io-error"].contains(try await runState()) { try await resume() }
    }
}
