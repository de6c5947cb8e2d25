import CloudCore
import GRDB

/// Brings the schema of a SQLite file up to date, in one transaction: after a crash at any point the earlier schema is
/// there, or today's.
struct SchemaUpgrade {
    let db: GRDB.Database
    /// Stands between the migrations and SQLite.
    var visit: (any SQLConnection) -> any SQLConnection = { $0 }

    /// - Parameter path: the database's own, to keep a copy of an earlier schema beside it: the way back, since an
    ///   earlier program refuses what a later one has upgraded. `nil`: none is kept.
    ///
    /// Without foreign keys, since a table that others refer to can only be changed by a new one in its place; they are
    /// looked at as a whole before the commit. The pragma is ignored inside a transaction.
    func run(keepingCopyOf path: String?) throws {
        try db.execute(sql: "PRAGMA foreign_keys = OFF")
        try db.inTransaction(.immediate) {
            if let path { try keepCopy(path) }
            let ran = try Migrations.run(on: visit(SQLiteConnection(db: db)), dialect: .sqlite)
            if ran > 0 { try db.checkForeignKeys() }
            return .commit
        }
        try db.execute(sql: "PRAGMA foreign_keys = ON")
    }

    /// Inside the transaction, so that nobody else upgrades meanwhile; read by a connection of its own, since SQLite
    /// copies from none that writes.
    private func keepCopy(_ path: String) throws {
        guard try db.tableExists("schema_version") else { return }
        let version = try Migrations.version(SQLiteConnection(db: db))
        guard version > 0, version < Migrations.all.count else { return }
        let file = Self.copy(of: path)
        try DatabaseFiles.remove("\(file).part")
        try DatabaseFiles.make("\(file).part")
        let reader = try DatabaseFile(path: path).open()
        do {
            try reader.inDatabase { try DatabaseFile(path: "\(file).part").write($0) }
        } catch let error as DatabaseError {
            throw CloudError(
                .serviceUnavailable,
                "\(path) is to be upgraded to schema \(Migrations.all.count), and can't be copied to \(file) first. "
                    + "Nothing was changed. Check the free space of its disk.", detail: "\(error)")
        }
        try reader.close()
        try DatabaseFiles.replace(file, with: "\(file).part")
    }

    /// Where the copy is that is taken before the upgrade to today's schema.
    static func copy(of path: String) -> String { "\(path).before-schema-\(Migrations.all.count)" }
}
