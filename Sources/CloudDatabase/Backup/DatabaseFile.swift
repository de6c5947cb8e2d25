import CloudCore
import GRDB

/// What a database holds, in figures.
public struct DatabaseFigures: Sendable, Equatable {
    public var schemaVersion: Int
    /// Which cell it is of.
    public var installationId: String
    /// Those that are not DESTROYED.
    public var computes: Int64
    /// Those that are not deleted.
    public var teams: Int64
    /// 0: none.
    public var lastEventId: Int64
    /// When the last event was; `nil`: there is none.
    public var lastEventAtMs: Int64?
    public var bytes: Int64
}

/// A database as a file that no server works on: one file, without a write-ahead log beside it.
struct DatabaseFile {
    var path: String

    /// Seconds that is waited for another process's transaction.
    private static let busyTimeoutSeconds = 10.0
    /// How many problems of a damaged file go into the log.
    private static let problemsTold = 5

    /// Opens the file as it is: nothing is brought up to date.
    func open() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Makes of a database that is open a single file at `path`, which is an empty file or none. The copy is one
    /// snapshot; writers go on meanwhile.
    ///
    /// SQLite's online backup, all in one step: it reads under one read transaction, which in WAL mode blocks no writer
    /// and is never begun anew, and copies pages without a look into them, so that it is over soon; the longer it reads,
    /// the longer the log grows. `VACUUM INTO` would write a smaller file, with far more work.
    func write(_ source: GRDB.Database) throws {
        let copy = try open()
        try copy.inDatabase { db in
            try source.backup(to: db)
            try Self.leaveWAL(db)
        }
        try copy.close()
        try DatabaseFiles.sync(path)
    }

    /// Merges the write-ahead log into the file and does without one. Throws SQLite's BUSY while anybody else has the
    /// database open.
    static func leaveWAL(_ db: GRDB.Database) throws {
        let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE")
        guard mode == "delete" else {
            throw DatabaseError(resultCode: .SQLITE_BUSY, message: "journal mode \(mode ?? "unknown")")
        }
    }

    /// Why a file can't be used; whoever asked knows what to do then.
    struct Unfit: Error {
        /// A sentence about the file.
        var why: String
        var detail: String?
    }

    /// Looks at all of the file. Throws `Unfit` when it is damaged or no database of ours, and `CloudError` when it is a
    /// newer program's.
    func check() throws -> DatabaseFigures {
        do {
            let file = try open()
            let figures = try file.inDatabase { db in
                try Self.checkWhole(db)
                return try readFigures(db)
            }
            try file.close()
            return figures
        } catch let error as DatabaseError {
            throw Unfit(why: "It is no SQLite database, or damaged.", detail: "\(error)")
        }
    }

    /// Throws `Unfit` when a page, an index or a reference is not as it must be.
    static func checkWhole(_ db: GRDB.Database) throws {
        let problems = try String.fetchAll(db, sql: "PRAGMA integrity_check(\(problemsTold))")
        guard problems == ["ok"] else {
            throw Unfit(why: "It is damaged.", detail: problems.joined(separator: "; "))
        }
        let broken = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").prefix(problemsTold)
        guard broken.isEmpty else {
            throw Unfit(why: "Its tables contradict each other.", detail: "\(Array(broken))")
        }
    }

    private func readFigures(_ db: GRDB.Database) throws -> DatabaseFigures {
        guard try db.tableExists("schema_version"), try db.tableExists("cell") else {
            throw Unfit(why: "It is a database of another program.")
        }
        let sql = SQLiteConnection(db: db)
        let version = try Migrations.version(sql)
        guard version > 0, let installationId = try sql.installationId() else {
            throw Unfit(why: "No server has ever worked on it.")
        }
        return try sql.figures(
            schemaVersion: version, installationId: installationId, bytes: DatabaseFiles.size(path))
    }
}
