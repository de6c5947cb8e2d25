import CloudCore

/// Holds a guest's file systems still, for the moment of a snapshot alone.
///
/// It is written down with the machine before the guest is asked to, and the guest is let go whatever comes of the rest. Where
/// its agent does not say that it has let go, or the program ends amid that, every look at the machine asks it again, whatever
/// becomes of the snapshot.
extension QEMUHost {
    private func agent(_ id: Int64) -> GuestAgent {
        GuestAgent(socket: directory(id).agentSocket)
    }

    /// Begins the copy, with the guest's file systems held still where its agent does that.
    func start(_ copy: SnapshotOfGuest, _ prepared: SnapshotMark) async throws -> SnapshotMark {
        let speed = settings.snapshotBytesPerSecond
        guard try await hasAgent(copy) else {
            try await ask(copy) { try await $0.start(bytesPerSecond: speed) }
            return prepared
        }
        var mark = prepared
        let isFrozen = try await thaws.pausing(copy.machine.id) {
            try await whileFrozen(copy.machine.id) {
                try await ask(copy) { try await $0.start(bytesPerSecond: speed) }
            }
        }
        if isFrozen { mark.consistency = .fileSystem }
        try await mark.write(snapshotDirectory(copy.snapshot.id), as: .settleSnapshot)
        return mark
    }

    /// Returns whether the guest's file systems were held still.
    private func whileFrozen(_ id: Int64, _ body: () async throws -> Void) async throws -> Bool {
        // It goes first: a guest that stands still without one would do so for good. Not synced, as `HoldMark`.
        try await HostEffect.markFrozen.make { try MachineFiles.touch(directory(id).frozen) }
        let isFrozen = try await freeze(id)
        do { try await body() } catch {
            _ = try await thaw(id)
            throw error
        }
        _ = try await thaw(id)
        return isFrozen
    }

    /// A guest that has powered itself off, or stands still, has none that answers.
    private func hasAgent(_ copy: SnapshotOfGuest) async throws -> Bool {
        guard copy.status == .running else { return false }
        if let known = settings.guestsHaveAgents { return known }
        return try await ask(copy) { try await $0.hasAgent() }
    }

    /// Lets a guest that runs go where a snapshot may have left it still. The caller does not wait for its agent.
    func thawLater(_ id: Int64) {
        guard MachineFiles.exists(directory(id).frozen) else { return }
        thaws.begin(id) { (try? await thaw(id)) ?? false }  // whatever went wrong, the next look asks again
    }

    /// False when the agent does not; the snapshot is then as after a power cut.
    private func freeze(_ id: Int64) async throws -> Bool {
        try await HostEffect.freezeGuest.make { await Self.succeeds { try await agent(id).freeze() } }
    }

    /// False when the agent does not say that it has.
    private func thaw(_ id: Int64) async throws -> Bool {
        let isThawed = try await HostEffect.thawGuest.make {
            await Self.succeeds { try await agent(id).thaw() }
        }
        guard isThawed else { return false }
        try await MachineFiles.remove(directory(id).frozen, as: .dropFrozen)
        return true
    }

    private static func succeeds(_ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            return false
        }
    }
}
