import CloudCore
import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("A cell that is copied to another database")
struct TransferTests {
    @Test("every row is there with its id, and numbers go on where they were")
    func all() async throws {
        try await RestoreFixture.with { fixture in
            let old = try SQLiteDatabase(path: fixture.database)
            let new = try SQLiteDatabase(path: "\(fixture.folder)/new")
            let report = try await TransferDatabase(from: old, to: new).run()
            let tables = try await old.read { sql in try TransferTables(sql).inOrder }
            #expect(report.rows.keys.sorted() == tables.sorted() && !report.wasThere)
            #expect(tables.count > 10 && report.total > 20)
            for table in tables {
                let query = "SELECT * FROM \(table) ORDER BY rowid"
                let rows = try await old.read { sql in try sql.query(query) }
                let copied = try await new.read { sql in try sql.query(query) }
                #expect(copied == rows, "\(table)")
            }
            let numbers = try await old.read { sql in try sql.identities.last() }
            #expect(try await new.read { sql in try sql.identities.last() } == numbers)
        }
    }

    @Test("more rows than fit into one statement, or into memory, are copied too")
    func many() async throws {
        try await RestoreFixture.with { fixture in
            let old = try SQLiteDatabase(path: fixture.database)
            let new = try SQLiteDatabase(path: "\(fixture.folder)/new")
            try await old.write { sql in
                for number in 0...TransferDatabase.rowsInMemory {
                    try sql.events.append(
                        Event(resourceId: 2, teamId: 1, kind: "test", detail: "\(number)", actor: .system),
                        nowMs: 40)
                }
            }
            _ = try await TransferDatabase(from: old, to: new).run()
            let query = "SELECT id, detail FROM events ORDER BY id"
            let events = try await old.read { sql in try sql.query(query) }
            #expect(try await new.read { sql in try sql.query(query) } == events)
        }
    }

    @Test("done again it changes nothing, and says that all is there")
    func again() async throws {
        try await RestoreFixture.with { fixture in
            let old = try SQLiteDatabase(path: fixture.database)
            let new = try SQLiteDatabase(path: "\(fixture.folder)/new")
            let first = try await TransferDatabase(from: old, to: new).run()
            let second = try await TransferDatabase(from: old, to: new).run()
            #expect(second.wasThere && second.rows == first.rows)
        }
    }

    @Test("a database with another cell, or with one that went on, is refused and left as it is")
    func refused() async throws {
        try await RestoreFixture.with { fixture in
            let old = try SQLiteDatabase(path: fixture.database)
            let new = try SQLiteDatabase(path: "\(fixture.folder)/new")
            _ = try await TransferDatabase(from: old, to: new).run()
            try await new.write { sql in
                try sql.events.append(
                    Event(resourceId: nil, teamId: 1, kind: "test", actor: .system), nowMs: 50)
            }
            let onward = await #expect(throws: CloudError.self) {
                try await TransferDatabase(from: old, to: new).run()
            }
            #expect(onward?.code == .conflict && onward?.message.contains("events differs") == true)
            try await new.write { sql in
                _ = try sql.execute("UPDATE cell SET installation_id = 'other'")
            }
            let other = await #expect(throws: CloudError.self) {
                try await TransferDatabase(from: old, to: new).run()
            }
            #expect(other?.message.contains("has the cell other") == true)
        }
    }

    @Test("where no server has worked there is nothing to copy")
    func nothing() async throws {
        try await withTemporaryFolder { folder in
            let old = try SQLiteDatabase(path: "\(folder)/old")
            let new = try SQLiteDatabase(path: "\(folder)/new")
            let error = await #expect(throws: CloudError.self) {
                try await TransferDatabase(from: old, to: new).run()
            }
            #expect(error?.code == .unprocessableEntity)
        }
    }
}
