import CloudCore
import QMP

/// What we ask of a machine's monitor. A connection is made for each question: it costs a millisecond, and nothing
/// has to be found again after a restart.
struct MachineMonitor {
    var socket: String

    /// The time that a monitor may take for one answer.
    private static let answerLimit = Duration.seconds(5)
    /// The time that it may take to agree to end.
    private static let quitLimit = Duration.seconds(2)

    /// Whether the guest goes on, stands still, has powered itself off, or is on its way; `limit` bounds each answer. Throws
    /// `QMPError`.
    ///
    /// A guest that stands still because the host's disk was full when it wrote, or is held, is set going again once
    /// `mayGoOn` says so, since nobody else would. It is told to have stood still at this look. One that comes from another
    /// host goes on by `finishArrival` alone.
    /// - Parameter mark: there when we have stopped the guest, and removed once it runs again.
    func look(
        within limit: Duration, isToCome: Bool, mark: HoldMark, mayGoOn: () -> Bool
    ) async throws -> MachineStatus {
        try await QMPClient.withConnection(to: socket, timeout: limit) { monitor in
            let isHeld = mark.isSet
            let status = try await monitor.execute("query-status", timeout: limit)
            switch status["status"]?.string {
            case "inmigrate": return .arriving
            case "postmigrate": return .departed
            case let state? where isToCome && state != "running": return .arriving
            case let state? where state == "io-error" || isHeld && state == "paused":
                if mayGoOn() {
                    try await HostEffect.continueGuest.make {
                        _ = try await monitor.execute("cont", timeout: limit)
                    }
                }
                return .outOfSpace
            case "shutdown": return .poweredOff
            case "running" where isHeld: try await mark.remove()
            default: break
            }
            return .running
        }
    }

    /// Lets the guest stand still. False when it does not run. Throws `QMPError`.
    func hold(_ mark: HoldMark) async throws -> Bool {
        try await QMPClient.withConnection(to: socket, timeout: Self.answerLimit) { monitor in
            let status = try await monitor.execute("query-status", timeout: Self.answerLimit)
            guard status["status"]?.string == "running" else { return false }
            // The mark goes first: a guest that stands still without one would do so for good.
            try await mark.set()
            try await HostEffect.holdGuest.make {
                _ = try await monitor.execute("stop", timeout: Self.answerLimit)
            }
            return true
        }
    }

    /// Presses the guest's power button (ACPI). The guest may take its time, or ignore it. Throws `QMPError`.
    func pressPowerButton() async throws {
        try await QMPClient.withConnection(to: socket, timeout: Self.answerLimit) { monitor in
            try await monitor.execute("system_powerdown", timeout: Self.answerLimit)
        }
    }

    /// Asks QEMU to end: it writes out the disk's metadata and goes. Throws `QMPError`.
    func quit() async throws {
        try await QMPClient.withConnection(to: socket, timeout: Self.quitLimit) { monitor in
            try await monitor.execute("quit", timeout: Self.quitLimit)
        }
    }
}
