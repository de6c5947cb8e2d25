import CloudCore
import CloudDatabase
import CloudMachines

/// The one owner of the host's network. Many steps ask at once; each gets an application whose rows were read after it
/// asked, and those that wait together share one.
actor NetworkApplier {
    private let database: any Database
    private let host: any MachineHost
    private var running: Task<Void, any Error>?
    private var queued: Task<Void, any Error>?

    init(database: any Database, host: any MachineHost) {
        self.database = database
        self.host = host
    }

    /// Makes the host's network what the database says. Throws what the host throws.
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
        try await host.applyNetwork(NetworkPlan(attachments: computes.compactMap { NetworkAttachment($0) }))
    }
}
