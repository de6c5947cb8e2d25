import CloudCore
import QMP

/// What is done to a machine that departs. Throws `QMPError`.
extension MoveMonitor {
    /// How long a copy may take to end once it was told to.
    private static let cancelLimit = Duration.seconds(10)
    private static let pollInterval = Duration.milliseconds(20)
    /// What a copy of the memory that is under way is called (QEMU, `MigrationStatus`).
    private static let underWay = [
        "setup", "active", "pre-switchover", "device", "cancelling", "wait-unplug",
    ]

    func lookAtDeparture() async throws -> DepartureLook {
        DepartureLook(
            runState: try await runState(), hasCredentials: try await hasObject(Name.credentials),
            isConnected: try await targetBytes() != nil, job: try await job(),
            memory: try await copiesMemory() ? try await memory() : nil)
    }

    /// Throws `MoveRefusal` when QEMU says no.
    func act(
        _ act: DepartureLook.Act, _ arrival: Arrival, _ computeId: Int64, _ settings: MoveSettings
    ) async throws {
        do {
            switch act {
            case .connectDisk: try await connectDisk(arrival, computeId)
            case .copyDisk: try await copyDisk(arrival, settings)
            case .copyMemory: try await copyMemory(arrival, computeId, settings)
            case .endDiskCopy:
                try await HostEffect.endDiskCopy.make { try await endJob(byForce: false) }
            case .dismissDiskCopy:
                try await HostEffect.endDiskCopy.make {
                    _ = try await execute("job-dismiss", ["id": .string(Name.job)])
                }
            case .disconnectDisk: try await disconnectDisk()
            case .identify, .awaitDisk, .awaitMemory, .switchOver, .stop:
                throw CloudError.bug("\(act) is not the monitor's part of a departure")
            }
        } catch QMPError.refused(_, let words) {
            throw MoveRefusal(reason: words)
        }
    }

    /// What is empty there stays so, instead of being sent and written as zeros.
    private func connectDisk(_ arrival: Arrival, _ computeId: Int64) async throws {
        try await HostEffect.connectDisk.make {
            _ = try await execute(
                "blockdev-add",
                [
                    "driver": "nbd", "node-name": .string(Name.target),
                    "server": [
                        "type": "inet", "host": .string(arrival.address),
                        "port": .string("\(arrival.diskPort)"),
                    ],
                    "export": .string(Name.export), "discard": "unmap", "detect-zeroes": "unmap",
                    "tls-creds": .string(Name.credentials),
                    "tls-hostname": .string(MoveCredentials.name(computeId)),
                ])
        }
    }

    /// The guest never waits for the other host: what it writes meanwhile is copied once more.
    private func copyDisk(_ arrival: Arrival, _ settings: MoveSettings) async throws {
        let disk = try await disk()
        let there = try await targetBytes()
        guard there == disk.bytes else {
            throw MoveRefusal(
                reason:
                    "the disk has \(disk.bytes) bytes here and \(there.map(String.init) ?? "none") on the other host"
            )
        }
        try await HostEffect.copyDisk.make {
            _ = try await execute(
                "blockdev-mirror",
                [
                    "job-id": .string(Name.job), "device": .string(disk.node),
                    "target": .string(Name.target), "sync": arrival.sharesImage ? "top" : "full",
                    "speed": .integer(settings.bytesPerSecond), "on-target-error": "report",
                    "auto-dismiss": .bool(false),
                ])
        }
    }

    private func copyMemory(_ arrival: Arrival, _ computeId: Int64, _ settings: MoveSettings) async throws {
        let capabilities = [("pause-before-switchover", true), ("auto-converge", true), ("multifd", false)]
        try await HostEffect.copyMemory.make {
            try await execute(
                "migrate-set-capabilities",
                [
                    "capabilities": .array(
                        capabilities.map { ["capability": .string($0.0), "state": .bool($0.1)] })
                ])
            try await execute(
                "migrate-set-parameters",
                [
                    "tls-creds": .string(Name.credentials),
                    "tls-hostname": .string(MoveCredentials.name(computeId)),
                    "max-bandwidth": .integer(settings.bytesPerSecond),
                    "downtime-limit": .integer(settings.downtimeMs),
                ])
            _ = try await execute(
                "migrate", ["uri": .string("tcp:\(arrival.address):\(arrival.memoryPort)")])
        }
    }

    private func disconnectDisk() async throws {
        try await HostEffect.disconnectDisk.make {
            _ = try await execute("blockdev-del", ["node-name": .string(Name.target)])
        }
    }

    /// Lets the machine's last state go to the other host. QEMU says for a moment longer that it waits for this, so it may
    /// be told twice, and refuses the second once it has gone on.
    func switchOver() async throws {
        do {
            try await HostEffect.switchOver.make {
                _ = try await execute("migrate-continue", ["state": "pre-switchover"])
            }
        } catch let error as QMPError {
            guard try await memory()?.status != "pre-switchover" else { throw error }
        }
    }

    /// Ends the copy of the memory, if one is under way; QEMU then lets the guest go on by itself. When it was too late,
    /// the machine is in `postmigrate` afterwards.
    func cancelMemory() async throws {
        guard let memory = try await memory(), Self.underWay.contains(memory.status) else { return }
        try await HostEffect.cancelMemory.make { _ = try await execute("migrate_cancel") }
        try await settled("the copy of the memory") {
            // The guest goes on, or is in `postmigrate`, a moment after the copy has ended.
            let runState = try await runState()
            let status = try await self.memory()?.status ?? ""
            return !Self.underWay.contains(status) && runState != "finish-migrate"
        }
    }

    /// Ends the copy of the disk, if there is one, and the connection.
    func cancelDisk() async throws {
        if let job = try await job() {
            try await HostEffect.cancelDisk.make {
                if job.status != "concluded" { try await endJob(byForce: true) }
                _ = try await execute("job-dismiss", ["id": .string(Name.job)])
            }
        }
        if try await targetBytes() != nil { try await disconnectDisk() }
    }

    /// Ends the copy of the disk and waits for that. Not by force, all that was written is on the other host then; an
    /// error says otherwise.
    private func endJob(byForce: Bool) async throws {
        do {
            try await execute("block-job-cancel", ["device": .string(Name.job), "force": .bool(byForce)])
        } catch let error as QMPError {
            // It may have been told so before, and have ended since.
            guard try await job()?.status == "concluded" else { throw error }
        }
        try await settled("the copy of the disk") {
            try await self.job().map { $0.status == "concluded" } ?? true
        }
    }

    private func settled(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.cancelLimit
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                throw CloudError(
                    .serviceUnavailable, "\(what) does not end; it is tried again.",
                    detail: "not within \(Self.cancelLimit)")
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }
}
