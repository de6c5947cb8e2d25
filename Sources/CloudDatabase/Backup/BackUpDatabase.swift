import CloudCore
import GRDB

/// Copies a database into a single file, beside a server that works on it. The file is there whole or not at all.
public struct BackUpDatabase: Sendable {
    public var database: String
    /// Where the copy goes; its folder must exist.
    public var file: String
    /// Whether a file of that name is replaced.
    public var replaces: Bool

    public init(database: String, file: String, replaces: Bool = false) {
        self.database = database
        self.file = file
        self.replaces = replaces
    }

    /// What is written until it is whole. Nobody else may write a backup to the same file meanwhile.
    private var part: String { "\(file).part" }

    /// Returns when the copy was looked at as a whole and is on the disk. Throws `RESOURCE_NOT_FOUND` without a
    /// database, `CONFLICT` when the file exists, `UNPROCESSABLE_ENTITY` when the database itself is damaged, and
    /// `SERVICE_UNAVAILABLE` when the file can't be written.
    public func run() throws -> DatabaseFigures {
        guard DatabaseFiles.exists(database) else {
            throw CloudError(
                .resourceNotFound,
                "There is no database \(database). Give the server's data folder with --data.")
        }
        guard replaces || !DatabaseFiles.exists(file) else { throw DatabaseFiles.taken(file) }
        try DatabaseFiles.remove(part)
        do {
            let figures = try write()
            if replaces {
                try DatabaseFiles.replace(file, with: part)
            } else {
                try DatabaseFiles.publish(part, as: file)
            }
            return figures
        } catch {
            try DatabaseFiles.remove(part)
            throw error
        }
    }

    private func write() throws -> DatabaseFigures {
        try DatabaseFiles.make(part)
        let copy = DatabaseFile(path: part)
        do {
            let source = try DatabaseFile(path: database).open()
            try source.inDatabase { db in try copy.write(db) }
            try source.close()
        } catch let error as DatabaseError {
            throw CloudError(
                .serviceUnavailable,
                "\(database) can't be copied to \(file). Check the owner of both folders, and the free space.",
                detail: "\(error)")
        }
        do {
            return try copy.check()
        } catch let error as DatabaseFile.Unfit {
            throw CloudError(
                .unprocessableEntity,
                "\(database) can't be backed up: \(error.why) Nothing was written. Where it is damaged, stop the server "
                    + "and restore an earlier backup.",
                detail: error.detail)
        }
    }
}
