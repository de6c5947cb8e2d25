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

    /// Whether the guest goes on, has powered itself off, or is on its way; `limit` bounds each answer. Throws `QMPError`.
    ///
    /// A guest that stands still because the host's disk was full when it wrote is set going again, since nobody
    /// else would; it stops again if the disk is still full. One that comes from another host goes on by `finishArrival`
    /// alone.
    func look(within limit: Duration, isToCome: Bool) async throws -> MachineStatus {
        try await QMPClient.withConnection(to: socket, timeout: limit) { monitor in
            let status = try await monitor.execute("query-status", timeout: limit)
            switch status["status"]?.string {
            case "inmigrate": return .arriving
            case "postmigrate": return .departed
            case let state? where isToCome && state != "running": return .arriving
            case "io-error": try await monitor.execute("cont", timeout: limit)
            case "shutdown": return .poweredOff
            default: break
            }
            return .running
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
