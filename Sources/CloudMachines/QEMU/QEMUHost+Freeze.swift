import CloudCore

/// Holds a guest's file systems still, for the moment of a snapshot alone.
///
/// It is written down before the guest is asked to, and the guest is let go whatever comes of the rest, so that a guest stands
/// still for as long as three answers may take, or, where the program ends amid them, until the next one looks.
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
        let directory = snapshotDirectory(copy.snapshot.id)
        var mark = prepared
        mark.mayBeFrozen = true
        try await mark.write(directory, as: .markSnapshot)
        let isFrozen = try await freeze(copy.machine.id)
        do {
            try await ask(copy) { try await $0.start(bytesPerSecond: speed) }
        } catch {
            _ = try await thaw(copy.machine.id)
            throw error
        }
        mark.mayBeFrozen = try await !thaw(copy.machine.id)
        if isFrozen { mark.consistency = .fileSystem }
        try await mark.write(directory, as: .settleSnapshot)
        return mark
    }

    /// A guest that has powered itself off has none that answers.
    private func hasAgent(_ copy: SnapshotOfGuest) async throws -> Bool {
        guard copy.consistency == .crash else { return false }
        if let known = settings.guestsHaveAgents { return known }
        return try await ask(copy) { try await $0.hasAgent() }
    }

    /// Lets a guest go that an earlier look may have left still.
    func thawed(_ mark: SnapshotMark?, _ copy: SnapshotOfGuest) async throws -> SnapshotMark? {
        guard var mark, mark.mayBeFrozen else { return mark }
        guard try await thaw(copy.machine.id) else { return mark }
        mark.mayBeFrozen = false
        try await mark.write(snapshotDirectory(copy.snapshot.id), as: .settleSnapshot)
        return mark
    }

    /// False when the agent does not; the snapshot is then as after a power cut.
    private func freeze(_ id: Int64) async throws -> Bool {
        try await HostEffect.freezeGuest.make { await Self.succeeds { try await agent(id).freeze() } }
    }

    /// False when the agent does not say that it has.
    func thaw(_ id: Int64) async throws -> Bool {
        try await HostEffect.thawGuest.make { await Self.succeeds { try await agent(id).thaw() } }
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
