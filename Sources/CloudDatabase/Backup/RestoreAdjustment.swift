import CloudCore

/// Sees to what must not be as it was at the time of the backup: numbers that were given out since, keys that were
/// revoked since, machines that were started since. Runs in one transaction on a copy that is brought up to date.
struct RestoreAdjustment {
    let sql: any SQLConnection
    let onHost: MachinesOnHost
    let nowMs: Int64

    /// - Parameter kept: where the database is kept that is replaced.
    func run(
        _ backup: DatabaseFigures, _ present: RestoreDatabase.Present, kept: String
    ) throws -> RestoreReport {
        var since: SinceBackup?
        var given = try sql.identities.last().mapValues { $0 + RestoreDatabase.margin }
        if case .whole = present {
            since = try sql.restore.since()
            since?.revokedKeys = try sql.restore.revokeAgain()
            given = try sql.restore.lastOfPresent()
            // Before there were resources, computes had a sequence of their own.
            given["resources"] = max(given["resources"] ?? 0, given.removeValue(forKey: "computes") ?? 0)
        }
        for (table, last) in given { try sql.identities.raise(table, to: last) }
        _ = try sql.identities.reserveResources(to: onHost.all.max() ?? 0)

        let running = try sql.restore.atRest().filter(onHost.processes.contains)
        for id in running { try sql.jobs.begin(ComputeAction.stop, id, nowMs: nowMs) }
        try undoRestores()
        try tellTeams(since)
        return RestoreReport(
            backup: backup, present: Self.kept(present, kept), since: since,
            orphans: onHost.all.subtracting(try sql.restore.alive()).sorted(),
            withoutDisk: try sql.restore.withDisk().filter { !onHost.disks.contains($0) }, running: running)
    }

    /// A restore of a compute that was under way at the time of the backup may have ended since, and its guest may have
    /// written for days: it is not done once more. Where it has not ended, the disk that was kept is put back.
    private func undoRestores() throws {
        for id in try sql.restore.beingRestored() {
            try sql.jobs.begin(ComputeAction.putBack, id, nowMs: nowMs)
            try sql.jobs.move(id, to: ComputeStep.unplug, nowMs: nowMs)
            try sql.computes.set(
                id,
                failure: ComputeFailure(
                    .restoreFailed,
                    "The cell was restored from a backup that was taken amid the restore of this compute. Look whether its "
                        + "disk has what you want, and restore it again if not."))
        }
    }

    /// Each team's audit log says what is missing in it.
    private func tellTeams(_ since: SinceBackup?) throws {
        let lost = since.map { since in
            since.events.map { "Events \($0.lowerBound) to \($0.upperBound) of the cell are lost." }
                ?? "No event is lost."
        }
        for team in try sql.teams.list() {
            try sql.events.append(
                Event(
                    resourceId: nil, teamId: team.id, kind: RestoreReport.eventKind,
                    detail: "The cell was restored from a backup. "
                        + (lost ?? "It is not known which events are lost."),
                    actor: .operator),
                nowMs: nowMs)
        }
    }

    private static func kept(_ present: RestoreDatabase.Present, _ path: String) -> RestoreReport.Present {
        switch present {
        case .absent: .absent
        case .damaged: .damaged(path)
        case .whole: .kept(path)
        }
    }
}
