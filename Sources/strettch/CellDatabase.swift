import CloudCore
import CloudDatabase
import Foundation

/// The database that the settings ask for, opened.
enum CellDatabase {
    /// A file in the data folder.
    case file(SQLiteDatabase)
    /// A server that other programs work on too.
    case server(PostgresDatabase)

    var database: any Database {
        switch self {
        case .file(let database): database
        case .server(let database): database
        }
    }

    /// Signalled when another program may have made a job of the host due; `nil` where there is no other.
    var jobs: (@Sendable (_ hostId: Int64) -> Changes)? {
        switch self {
        case .file: nil
        case .server(let database): { database.jobs(ofHost: $0) }
        }
    }

    /// Writes to the database that wait for their turn.
    var waitingWrites: Int {
        switch self {
        case .file(let database): database.waitingWrites
        case .server(let database): database.waitingWrites
        }
    }
}

/// How the database is reached; SQLite in the data folder when nothing is set.
struct DatabaseSettings: Sendable {
    /// PostgreSQL's connection string; `nil`: SQLite. May hold a password: never to be logged or written.
    var connection: String?
    /// Connections to PostgreSQL, each for one transaction at a time.
    var connections: Int

    /// Opens it. Throws a `CloudError` with the remedy.
    /// - Parameter hearsChanges: whether anybody waits for what other programs change.
    func open(_ folder: DataFolder, hearsChanges: Bool = true) throws -> CellDatabase {
        guard let connection else { return .file(try folder.openDatabase()) }
        return .server(
            try PostgresDatabase(
                connection: connection, connections: connections, hearsChanges: hearsChanges))
    }

    /// Throws `CONFLICT` for commands that work on SQLite's file alone.
    func requireFile(_ remedy: String) throws {
        guard connection == nil else {
            throw CloudError(
                .conflict, "The database is PostgreSQL, whose backups it makes itself. \(remedy)")
        }
    }

    /// What `serve.json` says of it, without the connection string.
    var engine: String { connection == nil ? "sqlite" : "postgres" }
}

extension ServeSettings {
    /// A worker has few short transactions at once, and a cell has many workers.
    var databaseSettings: DatabaseSettings {
        DatabaseSettings(
            connection: self.database,
            connections: self.databaseConnections == 0
                ? (self.role == .worker ? 2 : 8) : self.databaseConnections)
    }
}
