import CloudCore
import CloudDatabase

/// A restore as the operator's command prints it: the backup, and what the restore changes beside it.
struct OutputRestore: Encodable {
    var backup: OutputBackup
    /// Where the database is kept that is replaced; `nil`: there was none.
    var kept: String?
    /// Whether that one can't be read, and nothing is known of what was done since the backup.
    var isDamaged: Bool
    var since: OutputSinceBackup?
    /// Computes, by id. `RestoreReport` says what each list means.
    var orphans: [String]
    var withoutDisk: [String]
    var running: [String]

    init(_ report: RestoreReport, file: String) {
        backup = OutputBackup(report.backup, file: file)
        switch report.present {
        case .absent: (kept, isDamaged) = (nil, false)
        case .kept(let path): (kept, isDamaged) = (path, false)
        case .damaged(let path): (kept, isDamaged) = (path, true)
        }
        since = report.since.map { OutputSinceBackup($0) }
        orphans = report.orphans.map { String($0) }
        withoutDisk = report.withoutDisk.map { String($0) }
        running = report.running.map { String($0) }
    }

    var text: String {
        backup.text + "\n\n" + OutputText.clean(lines: database + machines)
    }

    private var database: [String] {
        guard let kept else { return ["There is no database yet."] }
        let lines =
            [isDamaged ? "The database that is there can't be read." : "The database that is there is whole."]
            + ["It is kept in \(kept)"]
        guard let since else { return lines + ["What was done since the backup is lost, and can't be told."] }
        return lines + since.lines
    }

    private var machines: [String] {
        let things: [(computes: [String], what: String)] = [
            (
                orphans,
                "on this host and not in the backup. The server cuts them from the network at its start, and removes them "
                    + "after orphanGrace; copy first what you need."
            ),
            (withoutDisk, "without a disk on this host. They can't be started."),
            (running, "STOPPED in the backup and running. They will be asked to shut down."),
        ]
        return things.filter { !$0.computes.isEmpty }.map {
            "\($0.computes.count == 1 ? "1 machine" : "\($0.computes.count) machines") "
                + "(\($0.computes.joined(separator: ", "))): \($0.what)"
        }
    }
}

/// What was done since the backup, as the operator's command prints it.
struct OutputSinceBackup: Encodable {
    /// By id, as are all computes.
    var createdComputes: [String]
    var deletedComputes: [String]
    var firstEventId: String?
    var lastEventId: String?
    var idempotencyKeys: Int64
    var apiKeys: Int64
    var revokedKeys: Int64
    var ledgerEntries: Int64
    /// Francs with three decimals.
    var paid: String

    init(_ since: SinceBackup) {
        createdComputes = since.createdComputes.map { String($0) }
        deletedComputes = since.deletedComputes.map { String($0) }
        firstEventId = since.events.map { String($0.lowerBound) }
        lastEventId = since.events.map { String($0.upperBound) }
        idempotencyKeys = since.idempotencyKeys
        apiKeys = since.apiKeys
        revokedKeys = since.revokedKeys
        ledgerEntries = since.ledgerEntries
        paid = Money.text(since.paidMilliRwf)
    }

    /// A line for each thing that was done since the backup.
    var lines: [String] {
        let things: [(isThere: Bool, line: String)] = [
            (
                firstEventId != nil,
                "events from \(firstEventId ?? "") to \(lastEventId ?? ""): lost, and each team's audit log says so"
            ),
            (!createdComputes.isEmpty, "computes \(list(createdComputes)): created since, and unknown again"),
            (
                !deletedComputes.isEmpty,
                "computes \(list(deletedComputes)): deleted since, and back, without their disks"
            ),
            (
                idempotencyKeys > 0,
                "idempotency keys: \(idempotencyKeys) unknown again; a request that is sent again is done again"
            ),
            (apiKeys > 0, "API keys: \(apiKeys) made since, which open nothing any more"),
            (revokedKeys > 0, "API keys: \(revokedKeys) revoked since, which stay revoked"),
            (
                ledgerEntries > 0,
                "ledger entries: \(ledgerEntries) lost, \(paid) \(Money.currency) of them paid or corrected: enter it again"
            ),
        ]
        let done = things.filter(\.isThere).map { "  " + $0.line }
        return done.isEmpty ? ["Nothing was done since the backup."] : ["Done since the backup:"] + done
    }

    private func list(_ computes: [String]) -> String { computes.joined(separator: ", ") }
}
