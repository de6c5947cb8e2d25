import CloudCore
import CloudTesting
import Foundation
import Synchronization
import Testing

@testable import CloudDatabase

/// Each statement of each upgrade is a point at which it may end.
@Suite("An upgrade that is cut off", .sqliteAlone)
struct SchemaCrashTests {
    static let versions = 1..<Migrations.all.count

    /// From version 1 on every statement of every migration runs; the rows of later versions are others.
    @Test("by an error at any statement leaves the earlier schema whole", arguments: [1, 15])
    func error(from version: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            try OldDatabase(version: version).make(path)
            let before = try dump(path)
            var statements = 0
            while true {
                let visit = StatementVisit { number in
                    if number == statements { throw CloudError(.serviceUnavailable, "planted") }
                }
                do {
                    try SQLiteDatabase(path: path, migratingBy: visit.connection).close()
                    break
                } catch let error as CloudError {
                    #expect(error.message == "planted")
                }
                #expect(try dump(path) == before, "after an error at statement \(statements)")
                statements += 1
            }
            #expect(statements > Migrations.all.count - version, "each statement was failed at")
            #expect(try dump(path) != before)
        }
    }

    @Test("by a kill at any statement leaves the earlier schema whole", arguments: [1, 15])
    func kill(from version: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            try OldDatabase(version: version).make(path)
            let before = try dump(path)
            let killed = Mutex(0)
            // What a process that ends there leaves behind: its files as they are.
            let visit = StatementVisit { number in
                killed.withLock { $0 = number + 1 }
                for file in [path, "\(path)-wal"] where FileManager.default.fileExists(atPath: file) {
                    let copy = file.replacing(path, with: "\(folder)/\(number)")
                    try FileManager.default.copyItem(atPath: file, toPath: copy)
                }
            }
            try SQLiteDatabase(path: path, migratingBy: visit.connection).close()
            let after = try dump(path)
            for number in 0..<killed.withLock({ $0 }) {
                let left = "\(folder)/\(number)"
                #expect(try dump(left) == before, "after a kill at statement \(number)")
                try SQLiteDatabase(path: left).close()
                #expect(try dump(left) == after)
            }
            #expect(killed.withLock { $0 } > Migrations.all.count - version)
        }
    }

    @Test("or not keeps a copy of the earlier schema beside, once", arguments: versions)
    func copy(from version: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            let copy = "\(path).before-schema-\(Migrations.all.count)"
            try OldDatabase(version: version).make(path)
            let before = try dump(path)
            try SQLiteDatabase(path: path).close()
            #expect(try dump(copy) == before)
            #expect(try DatabaseFile(path: copy).check().schemaVersion == version)
            #expect(
                try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int == 0o600)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(!files.contains { $0.contains(".part") || $0.hasSuffix("-journal") })

            try FileManager.default.removeItem(atPath: copy)
            try SQLiteDatabase(path: path).close()
            #expect(!FileManager.default.fileExists(atPath: copy), "there was nothing to upgrade")
        }
    }

    @Test("is not begun where the copy can't be written")
    func noRoom() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            try OldDatabase(version: 3).make(path)
            let before = try dump(path)
            // A folder in its place can't be replaced by a file.
            try FileManager.default.createDirectory(
                atPath: "\(path).before-schema-\(Migrations.all.count)/x", withIntermediateDirectories: true)
            #expect(throws: CloudError.self) { try SQLiteDatabase(path: path) }
            #expect(try dump(path) == before)
        }
    }
}

/// Is asked before each statement that changes something, with its number from 0 on.
private struct StatementVisit {
    var visit: (Int) throws -> Void

    func connection(_ sql: any SQLConnection) -> any SQLConnection { Visited(sql: sql, visit: visit) }

    private final class Visited: SQLConnection {
        let sql: any SQLConnection
        let visit: (Int) throws -> Void
        private var number = 0

        var dialect: Dialect { sql.dialect }

        init(sql: any SQLConnection, visit: @escaping (Int) throws -> Void) {
            self.sql = sql
            self.visit = visit
        }

        func query(_ text: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
            try sql.query(text, arguments)
        }

        func execute(_ text: String, _ arguments: [any SQLArgument]) throws -> Int {
            try visit(number)
            number += 1
            return try sql.execute(text, arguments)
        }

        func tell(_ tiding: Tiding) { sql.tell(tiding) }
    }
}
