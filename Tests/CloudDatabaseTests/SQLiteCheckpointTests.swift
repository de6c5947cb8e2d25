import CloudTesting
import Testing

@testable import CloudDatabase

@Suite("Checkpoints", .sqliteAlone, .timeLimit(.minutes(2)))
struct SQLiteCheckpointTests {
    private typealias Log = SQLiteCheckpoints.Log

    @Test("one is made beside the writer each thousand pages, and none while another is under way")
    func rule() {
        var log = Log()
        #expect(log.begin(pages: 999) == nil)
        #expect(log.begin(pages: 1000) == .beside)
        #expect(log.begin(pages: 1999) == nil)
        log.end(done: 1000)
        #expect(log.begin(pages: 1999) == nil)
        #expect(log.begin(pages: 2000) == .beside)
    }

    @Test("a long log is made to begin anew while the writer waits, once few pages are left")
    func anew() {
        var log = Log()
        #expect(log.begin(pages: Log.long) == .beside)
        log.end(done: Log.long)
        #expect(log.begin(pages: Log.long + Log.few - 1) == nil)
        #expect(log.begin(pages: Log.long + Log.few) == .waited)
        log.end(done: Log.long + Log.few)
        #expect(log.begin(pages: 10) == nil, "it has begun anew")
        #expect(log.begin(pages: Log.interval) == .beside)
    }

    @Test("what can't be brought into the file is tried again after a while, at last while the writer waits")
    func stuck() {
        var (log, pages, manners) = (Log(), 0, [Log.Manner]())
        while pages < Log.most + 1000 {
            pages += 50
            guard let manner = log.begin(pages: pages) else { continue }
            manners.append(manner)
            log.end(done: nil)
        }
        let beside = 2 + (Log.most - Log.long) / Log.few - 1
        #expect(manners == Array(repeating: .beside, count: beside) + Array(repeating: .waited, count: 6))
    }

    @Test("the writer of the longest log waits for the checkpoint that is under way")
    func longest() {
        var log = Log()
        #expect(log.begin(pages: 1000) == .beside)
        #expect(log.begin(pages: Log.most - 1) == nil)
        #expect(log.begin(pages: Log.most) == .waited)
    }

    @Test("what was committed is brought into the file beside the writer, without another write")
    func beside() async throws {
        try await withFile { path, database in
            let before = DatabaseFiles.size(path)
            try await fill(database, pages: Log.interval)
            try await eventually("the file has the pages") {
                DatabaseFiles.size(path) >= before + Int64(Log.interval) * pageSize
            }
        }
    }

    @Test("the log stays as short as it is said to, however much is written")
    func bound() async throws {
        try await withFile { path, database in
            for _ in 0..<60 { try await fill(database, pages: 300) }
            // One write longer, with the pages of its tree.
            #expect(DatabaseFiles.size("\(path)-wal") < Int64(Log.most + 2 * 300) * (pageSize + frameHead))
        }
    }

    private let pageSize: Int64 = 4096
    /// Before each page of the log (https://sqlite.org/fileformat2.html#walformat).
    private let frameHead: Int64 = 24

    private func withFile(_ body: (String, SQLiteDatabase) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            let database = try SQLiteDatabase(path: path)
            try await body(path, database)
            try database.close()
        }
    }

    /// One write of that many pages, and a few more.
    private func fill(_ database: SQLiteDatabase, pages: Int) async throws {
        try await database.write { sql in
            try sql.execute("CREATE TABLE IF NOT EXISTS filler (text TEXT NOT NULL)")
            try sql.execute(
                """
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)
                INSERT INTO filler (text) SELECT HEX(ZEROBLOB(2000)) FROM numbers
                """, [pages])
        }
    }
}
