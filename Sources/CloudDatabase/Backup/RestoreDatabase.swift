import CloudCore
import GRDB

/// Puts a backup in the place of a database that no process has open.
///
/// All that can fail is done on a copy beside the database; then the copy takes its place by one rename. After a crash
/// at any point the folder has the one or the other, whole, and the restore can be done again.
public struct RestoreDatabase: Sendable {
    /// What is done, in order. A test fails at each.
    enum Stage: CaseIterable { case copy, check, compare, adjust, keep, replace, replaced }

    public var file: String
    public var database: String
    /// Whether the backup may be of another cell than the database.
    public var allowsOtherInstallation: Bool
    /// Where the database goes that is replaced. Nothing may be there.
    public var kept: String
    public var nowMs: Int64
    /// Looks at the machines of an installation on this host.
    public var machines: @Sendable (_ installationId: String) throws -> MachinesOnHost
    /// Called before each stage, and after the last.
    var visit: @Sendable (Stage) throws -> Void = { _ in }

    public init(
        file: String, database: String, kept: String, allowsOtherInstallation: Bool = false, nowMs: Int64,
        machines: @escaping @Sendable (_ installationId: String) throws -> MachinesOnHost
    ) {
        self.file = file
        self.database = database
        self.kept = kept
        self.allowsOtherInstallation = allowsOtherInstallation
        self.nowMs = nowMs
        self.machines = machines
    }

    /// Numbers that are left out where it can't be known which were given out since the backup.
    static let margin: Int64 = 1_000_000

    /// The copy that becomes the database.
    private var copy: DatabaseFile { DatabaseFile(path: "\(database).restoring") }

    /// Checks the file, makes all ready, and returns what the restore changes; `install` does it. Throws
    /// `RESOURCE_NOT_FOUND` without the file, `UNPROCESSABLE_ENTITY` when it can't be used, and `CONFLICT` when the
    /// database is open elsewhere, is of another cell, or has machines that the backup does not know of.
    public func prepare() throws -> RestoreReport {
        guard DatabaseFiles.exists(file) else {
            throw CloudError(.resourceNotFound, "There is no file \(file).")
        }
        do {
            let backup = try takeFile()
            try visit(.compare)
            let present = try Present(of: database)
            try check(backup, present)
            try visit(.adjust)
            return try adjust(backup, present)
        } catch {
            try discard()
            throw worded(error)
        }
    }

    /// Puts what `prepare` has made ready in the database's place. Until then `discard` takes it away.
    public func install(_ report: RestoreReport) throws {
        guard !DatabaseFiles.exists(kept) else {
            throw CloudError(.conflict, "\(kept) is there already. Try again in a second.")
        }
        try visit(.keep)
        do {
            try keep(report.present)
        } catch {
            if report.present != .absent { try DatabaseFiles.remove(kept) }
            try discard()
            throw error
        }
        try visit(.replace)
        // What belongs to another file must not be found beside the new one. A whole database has nothing beside it by
        // now: `Present` has merged it.
        for companion in DatabaseFiles.companions { try DatabaseFiles.remove(database + companion) }
        try DatabaseFiles.replace(database, with: copy.path)
        try visit(.replaced)
    }

    private func keep(_ present: RestoreReport.Present) throws {
        switch present {
        case .absent: break
        case .kept: try DatabaseFiles.copy(database, to: kept)
        case .damaged:
            for companion in [""] + DatabaseFiles.companions
            where DatabaseFiles.exists(database + companion) {
                try DatabaseFiles.copy(database + companion, to: kept + companion)
            }
        }
    }

    /// Takes away what `prepare` has made ready.
    public func discard() throws { try DatabaseFiles.remove(copy.path) }

    /// Copies the file, so that it is never changed itself, and looks at all of the copy.
    private func takeFile() throws -> DatabaseFigures {
        for log in ["-wal", "-journal"] where DatabaseFiles.size(file + log) > 0 {
            throw DatabaseFile.Unfit(
                why: "\(file)\(log) is beside it, so a server works on it, or worked on it.")
        }
        try visit(.copy)
        try discard()
        try DatabaseFiles.copy(file, to: copy.path)
        try visit(.check)
        let figures = try copy.check()
        let opened = try copy.open()
        try opened.inDatabase { try DatabaseFile.leaveWAL($0) }
        try opened.close()
        return figures
    }

    private func worded(_ error: any Error) -> any Error {
        switch error {
        case let error as DatabaseFile.Unfit:
            CloudError(
                .unprocessableEntity,
                "\(file) can't be restored: \(error.why) Give a file that 'strettch admin backup' wrote.",
                detail: error.detail)
        case let error as DatabaseError:
            CloudError(
                .serviceUnavailable,
                "\(file) can't be made ready beside \(database). Nothing was changed. Check the folder's owner and free "
                    + "space.",
                detail: "\(error)")
        default: error
        }
    }

    private func check(_ backup: DatabaseFigures, _ present: Present) throws {
        guard let id = present.installationId, id != backup.installationId else { return }
        guard allowsOtherInstallation else {
            throw CloudError(
                .conflict,
                "\(file) is of the cell \(backup.installationId), and \(database) of \(id). Give the data folder of the "
                    + "same cell with --data, or --other-installation to put the one in the other's place.")
        }
        let running = try machines(id).processes.sorted()
        guard running.isEmpty else {
            throw CloudError(
                .conflict,
                "Machines of the cell \(id) run on this host, and nobody would know of them any more: "
                    + "\(running.map(String.init).joined(separator: ", ")). Delete or stop them first.")
        }
    }

    /// Brings the copy up to date, and sees to what must not be as it was at the time of the backup.
    private func adjust(_ backup: DatabaseFigures, _ present: Present) throws -> RestoreReport {
        let onHost = try machines(backup.installationId)
        let opened = try copy.open()
        let report = try opened.inDatabase { db in
            try SQLiteDatabase.migrate(db)
            if case .whole = present {
                try db.execute(sql: "ATTACH DATABASE ? AS present", arguments: [database])
            }
            var report: RestoreReport?
            try db.inTransaction {
                let adjustment = RestoreAdjustment(
                    sql: SQLiteConnection(db: db), onHost: onHost, nowMs: nowMs)
                report = try adjustment.run(backup, present, kept: kept)
                return .commit
            }
            try DatabaseFile.checkWhole(db)
            return report
        }
        try opened.close()
        guard let report else { throw CloudError.bug("a restore's adjustment has no report") }
        return report
    }

    /// The database that is replaced, as a single file.
    enum Present {
        case absent
        case damaged
        case whole(installationId: String)

        var installationId: String? {
            if case .whole(let installationId) = self { installationId } else { nil }
        }

        /// Errors of the file's content (SQLITE_ERROR: a table of ours is missing), not of the disk or its rights.
        private static let tellOfDamage: [ResultCode] = [
            .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR,
        ]

        /// Merges its write-ahead log. Throws `CONFLICT` while anybody else has it open.
        init(of path: String) throws {
            guard DatabaseFiles.exists(path) else {
                self = .absent
                return
            }
            do {
                let opened = try DatabaseFile(path: path).open()
                let installationId = try opened.inDatabase { db in
                    try DatabaseFile.checkWhole(db)
                    try DatabaseFile.leaveWAL(db)
                    return try SQLiteConnection(db: db).installationId()
                }
                try opened.close()
                // Without an installation it is what a first start left that was cut off: nothing is in it.
                self = installationId.map { .whole(installationId: $0) } ?? .absent
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                throw CloudError(
                    .conflict, "Another program has \(path) open. End it, and try again.",
                    detail: "\(error)")
            } catch let error as DatabaseError where Self.tellOfDamage.contains(error.resultCode) {
                self = .damaged
            } catch is DatabaseFile.Unfit {
                self = .damaged
            }
        }
    }
}
