import CloudCore
import CloudDatabase
import CloudMachines

/// The one owner of the host's network. Many steps ask at once; each gets an application whose rows were read after it
/// asked, and those that wait together share one.
actor NetworkApplier {
    private let database: any Database
    private let host: any MachineHost
    private let clock: any CloudClock
    private var running: Task<Void, any Error>?
    private var queued: Task<Void, any Error>?

    /// The longest that one application takes. Who asks may wait for the one before it too, and for both together not as
    /// long as a step may last (`Worker.stepTimeout`).
    static let limit = Duration.seconds(25)

    init(database: any Database, host: any MachineHost, clock: any CloudClock) {
        self.database = database
        self.host = host
        self.clock = clock
    }

    /// Makes the host's network what the database says. Throws what the host throws, also when the host takes too long.
    func apply() async throws {
        if let queued { return try await queued.value }
        let previous = running
        let task = Task {
            _ = await previous?.result
            self.startQueued()
            try await self.applyNow()
        }
        queued = task
        try await task.value
    }

    private func startQueued() {
        running = queued
        queued = nil
    }

    private func applyNow() async throws {
        let computes = try await database.read { sql in try sql.computes.list(steps: ComputeStep.attached) }
        let plan = NetworkPlan(attachments: computes.compactMap { NetworkAttachment($0) })
        let host = host
        try await withTimeout(
            Self.limit, by: clock, late: .late("Setting up the host's network", after: Self.limit)
        ) {
            try await host.applyNetwork(plan)
        }
    }
}
