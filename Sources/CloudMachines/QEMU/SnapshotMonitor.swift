import CloudCore
import QMP

/// What is asked of a guest's monitor for a snapshot of its disk. Throws `QMPError`.
struct SnapshotMonitor {
    var monitor: QMPClient
    var snapshotId: Int64

    private static let answerLimit = Duration.seconds(5)
    /// How long a copy may take to end once it was told to.
    private static let cancelLimit = Duration.seconds(10)
    private static let pollInterval = Duration.milliseconds(20)

    /// The copy's name in QEMU, and that of the file which it makes.
    private var name: String { "snapshot-\(snapshotId)" }

    @discardableResult
    private func execute(_ command: String, _ arguments: [String: QMPValue] = [:]) async throws -> QMPValue {
        try await monitor.execute(command, arguments, timeout: Self.answerLimit)
    }

    func look(isCopied: Bool) async throws -> SnapshotLook {
        SnapshotLook(job: try await job(), hasTarget: try await hasTarget(), isCopied: isCopied)
    }

    private func job() async throws -> SnapshotLook.Job? {
        let jobs = try await execute("query-jobs").array ?? []
        return jobs.first { $0["id"]?.string == name }.map {
            SnapshotLook.Job(
                status: $0["status"]?.string ?? "", done: $0["current-progress"]?.integer ?? 0,
                total: $0["total-progress"]?.integer ?? 0, error: $0["error"]?.string)
        }
    }

    private func hasTarget() async throws -> Bool {
        let nodes = try await execute("query-named-block-nodes", ["flat": .bool(true)]).array ?? []
        return nodes.contains { $0["node-name"]?.string == name }
    }

    /// Whether the guest has its agent's port open.
    func hasAgent() async throws -> Bool {
        let ports = try await execute("query-chardev").array ?? []
        return ports.contains {
            $0["label"]?.string == BoardLayout.agentName && $0["frontend-open"]?.bool == true
        }
    }

    /// Hands the snapshot's file over. Throws `SnapshotRefusal` when QEMU says no.
    func open(_ target: OpenFile) async throws {
        try await HostEffect.openSnapshot.make {
            try await orRefusal {
                let path = try await monitor.hand(target.descriptor, timeout: Self.answerLimit)
                return try await execute("blockdev-add", QEMUNode.snapshot(named: name, file: path))
            }
        }
    }

    /// Begins to copy what the disk has over its base at this moment. The guest goes on; what it overwrites is copied first.
    /// Throws `SnapshotRefusal` when QEMU says no.
    func start(bytesPerSecond: Int64) async throws {
        try await HostEffect.startSnapshot.make {
            try await orRefusal {
                try await execute(
                    "blockdev-backup",
                    [
                        "job-id": .string(name), "device": .string(QEMUNode.disk), "target": .string(name),
                        "sync": "top", "speed": .integer(bytesPerSecond), "on-target-error": "report",
                        "auto-dismiss": .bool(false),
                    ])
            }
        }
    }

    private func orRefusal(_ body: () async throws -> QMPValue) async throws {
        do {
            _ = try await body()
        } catch QMPError.refused(_, let words) {
            throw SnapshotRefusal(
                reason: "the guest's QEMU does not copy its disk: \(GuestWords.shown(words))")
        }
    }

    func dismiss() async throws {
        try await HostEffect.dismissSnapshot.make {
            _ = try await execute("job-dismiss", ["id": .string(name)])
        }
    }

    func close() async throws {
        try await HostEffect.closeSnapshot.make {
            _ = try await execute("blockdev-del", ["node-name": .string(name)])
        }
    }

    /// Ends the copy, if there is one, whether it has ended by itself or not, and closes the file.
    func cancel() async throws {
        if let job = try await job() {
            try await HostEffect.cancelSnapshot.make {
                if job.status != "concluded" { try await end() }
                _ = try await execute("job-dismiss", ["id": .string(name)])
            }
        }
        if try await hasTarget() { try await close() }
    }

    private func end() async throws {
        do {
            try await execute("block-job-cancel", ["device": .string(name), "force": .bool(true)])
        } catch let error as QMPError {
            // It may have ended since.
            guard try await job()?.status == "concluded" else { throw error }
        }
        let deadline = ContinuousClock.now + Self.cancelLimit
        while let job = try await job(), job.status != "concluded" {
            guard ContinuousClock.now < deadline else { throw QMPError.timedOut(command: "block-job-cancel") }
            try await Task.sleep(for: Self.pollInterval)
        }
    }
}

extension MachineMonitor {
    /// Talks to the monitor about a snapshot. One connection at a time is served, so `body` is short. What the monitor
    /// refuses, or fails to answer, is thrown as `SERVICE_UNAVAILABLE`, to be tried again.
    func snapshot<Result: Sendable>(
        _ id: Int64, _ body: (SnapshotMonitor) async throws -> Result
    ) async throws -> Result {
        do {
            return try await QMPClient.withConnection(to: socket) {
                try await body(SnapshotMonitor(monitor: $0, snapshotId: id))
            }
        } catch let error as QMPError {
            throw CloudError(
                .serviceUnavailable,
                "The machine's monitor could not do its part of the snapshot; it is tried again.",
                detail: GuestWords.shown("\(error)"))
        }
    }
}
