import CloudCore
import QMP

/// One machine's QEMU process: found, started and ended by what the host shows, never by what we remember.
struct MachineProcess {
    var id: Int64
    var directory: MachineDirectory
    var table: ProcessTable
    /// Whether a guest that stands still for want of space may go on.
    var mayGoOn: @Sendable () -> Bool = { true }

    /// From a start to the monitor's first answer; 30 to 50 ms on an idle host.
    private static let startLimit = Duration.seconds(20)
    /// A running machine's monitor answers in a millisecond; one of a loaded host may take this long.
    private static let answerLimit = Duration.seconds(2)
    /// From the polite request to end to the kill.
    private static let quitLimit = Duration.seconds(3)
    /// From the kill to the end of the process. The kernel may have much memory to free, or a slow disk to wait for.
    private static let killLimit = Duration.seconds(20)
    private static let pollInterval = Duration.milliseconds(20)
    /// A process that is just becoming QEMU (execve) shows no command line for a moment, so one look that finds
    /// nothing proves nothing.
    private static let looksThatProveAbsence = 10

    var monitor: MachineMonitor { MachineMonitor(socket: directory.monitorSocket) }

    private func find() throws(CloudError) -> HostProcess? {
        try table.process(of: id, in: directory)
    }

    /// Throws `.serviceUnavailable` when there is a process whose monitor does not answer.
    func status() async throws -> MachineStatus {
        guard try find() != nil else { return .absent }
        return try await answer(within: Self.answerLimit)
    }

    /// Starts QEMU unless it runs, and returns when its monitor answers.
    func start(_ program: QEMUProgram, _ launch: () async throws -> MachineLaunch) async throws {
        switch try await status() {
        case .running, .outOfSpace: return
        case .poweredOff: try await halt()
        case .absent: break
        case .arriving, .departed:
            throw CloudError(
                .conflict, "The compute is being moved to another host. Let the move end, or cancel it.",
                detail: directory.path)
        }
        for path in directory.remains { try await MachineFiles.remove(path, as: .dropRemains) }
        let output = try await launch().start(program, directory)
        guard try await answer(within: Self.startLimit) != .absent else {
            try await MachineOutput.wait(output)
            let words = MachineFiles.tail(directory.qemuLog, limit: 2000)
            throw CloudError(
                .internalServerError, "The machine's QEMU ended as soon as it was started.",
                detail: words.isEmpty ? "\(directory.qemuLog) is empty" : words)
        }
    }

    /// Presses the power button. Nothing to press is success.
    func pressPowerButton() async throws {
        guard [.running, .outOfSpace].contains(try await status()) else { return }
        do {
            try await HostEffect.pressPowerButton.make { try await monitor.pressPowerButton() }
        } catch let error as QMPError {
            throw CloudError(
                .serviceUnavailable, "The machine could not be asked to shut down; it is tried again.",
                detail: "\(error)")
        }
    }

    /// Ends the machine and returns when nothing of its processes is left.
    func halt() async throws {
        let processes = try table.processes(of: id)
        if !processes.isEmpty {
            if try await !quits(processes) {
                try await HostEffect.killProcess.make { for process in processes { try process.end() } }
                guard try await gone(processes, within: Self.killLimit) else {
                    throw CloudError(
                        .serviceUnavailable, "The machine's process does not end; it is tried again.",
                        detail: "\(processes.map(\.pid)) did not end within \(Self.killLimit) of SIGKILL. "
                            + "Look for a disk that hangs (state D in ps).")
                }
            }
        }
        for path in directory.remains { try await MachineFiles.remove(path, as: .dropRemains) }
    }

    /// What the monitor answers; `absent` when the process has ended. It may be so young that its monitor does not
    /// listen yet.
    private func answer(within limit: Duration) async throws -> MachineStatus {
        let deadline = ContinuousClock.now + limit
        var missed = 0
        while true {
            do {
                return try await look(within: limit)
            } catch let error as QMPError {
                missed = try find() == nil ? missed + 1 : 0
                guard missed < Self.looksThatProveAbsence else { return .absent }
                guard ContinuousClock.now < deadline else {
                    throw CloudError(
                        .serviceUnavailable, "The machine's monitor does not answer; it is asked again.",
                        detail: "\(error). If it stays so, stop the compute and start it again.")
                }
            }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    private func look(within limit: Duration) async throws -> MachineStatus {
        try await monitor.look(
            within: limit, isToCome: MachineFiles.exists(directory.arrival),
            mark: HoldMark(path: directory.hold), mayGoOn: mayGoOn)
    }

    /// Whether the processes end when they are asked to.
    private func quits(_ processes: [HostProcess]) async throws -> Bool {
        do {
            try await HostEffect.quitProcess.make { try await monitor.quit() }
        } catch let error as QMPError {
            // `closed`: it went before it had answered. Otherwise it could not be asked, and waiting is no use.
            guard error == .closed else { return processes.allSatisfy(\.isGone) }
        }
        return try await gone(processes, within: Self.quitLimit)
    }

    private func gone(_ processes: [HostProcess], within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while !processes.allSatisfy(\.isGone) {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: Self.pollInterval)
        }
        return true
    }
}
