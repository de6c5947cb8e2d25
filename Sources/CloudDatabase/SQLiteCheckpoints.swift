import Dispatch
import GRDBSQLite
import Synchronization

/// Brings what was committed from the write-ahead log into the database's file, beside the writer. SQLite itself would have the
/// commit do it that makes the log too long, and all writes that wait would wait for that.
///
/// Safe: the connection is used on `queue` alone.
final class SQLiteCheckpoints: @unchecked Sendable {
    private let path: String
    private let queue = DispatchQueue(label: "strettch.checkpoints")
    private let log = Mutex(Log())
    private var connection: OpaquePointer?

    /// What is known of the log, in pages.
    struct Log {
        /// Pages between two checkpoints, as SQLite has it by default (https://sqlite.org/wal.html).
        static let interval = 1000
        /// From here on the log shall begin anew. It does when all of it is in the file as the next write begins, so the
        /// checkpoints follow each other until few pages are left, and the writer waits for those.
        static let long = 2000
        static let few = 200
        /// From here on the writer waits for all that is left, so that the log is never more than one write longer: 32 MiB.
        static let most = 8000

        /// How a checkpoint is made: beside the writer, or while it waits.
        enum Manner { case beside, waited }

        /// How many are in the file.
        private var done = 0
        /// How many there were as the last checkpoint began.
        private var tried = 0
        private var isUnderWay = false

        /// How a checkpoint is made now that the log has this many pages, which is under way until `end`; `nil`: none is.
        mutating func begin(pages: Int) -> Manner? {
            if pages < tried { (done, tried) = (0, 0) }
            guard !isUnderWay || pages >= Self.most,
                pages - tried >= (pages < Self.long ? Self.interval : Self.few)
            else { return nil }
            tried = pages
            isUnderWay = true
            let isShort = pages >= Self.long && pages - done <= 2 * Self.few
            return isShort || pages >= Self.most ? .waited : .beside
        }

        /// - Parameter done: how many pages are in the file; `nil`: as many as before.
        mutating func end(done: Int?) {
            isUnderWay = false
            if let done { self.done = done }
        }
    }

    init(path: String) { self.path = path }

    deinit {
        sqlite3_close_v2(connection)  // Safe: nobody has a reference, so it is not in use. It may be null.
    }

    /// Makes the checkpoints of what is committed on `writer`, until `leave`. It has to live as long.
    func follow(_ writer: OpaquePointer) {
        // Safe: the writer calls back inside its commits alone, whose caller has a reference to this.
        sqlite3_wal_hook(
            writer,
            { this, _, _, pages in
                guard let this else { return SQLITE_OK }
                Unmanaged<SQLiteCheckpoints>.fromOpaque(this).takeUnretainedValue()
                    .committed(pages: Int(pages))
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func leave(_ writer: OpaquePointer) {
        sqlite3_wal_hook(writer, nil, nil)  // Safe: the connection is open.
        queue.sync {
            sqlite3_close_v2(connection)
            connection = nil
        }
    }

    /// - Parameter pages: how many the log has now.
    private func committed(pages: Int) {
        switch log.withLock({ $0.begin(pages: pages) }) {
        case nil: break
        case .beside: queue.async { [self] in checkpoint() }
        // The commit is done, and its locks are given back (https://sqlite.org/c3ref/wal_hook.html).
        case .waited: queue.sync { checkpoint() }
        }
    }

    /// As far as nobody has to wait for it. What stays is for the next, and so is what fails: the log has all of it.
    private func checkpoint() {
        if connection == nil { connection = Self.open(path) }
        var done: Int32 = -1
        // Safe: the connection is open, and `queue` alone uses it.
        let code = connection.map {
            sqlite3_wal_checkpoint_v2($0, nil, SQLITE_CHECKPOINT_PASSIVE, nil, &done)
        }
        log.withLock { $0.end(done: code == SQLITE_OK && done >= 0 ? Int(done) : nil) }
    }

    /// `nil` when there is no descriptor or memory left for it.
    private static func open(_ path: String) -> OpaquePointer? {
        guard let opened = try? SQLiteStatements.open(path, SQLITE_OPEN_READWRITE)  // next time, then
        else { return nil }
        // Safe: the connection is open, and closed where it can't be used.
        guard sqlite3_exec(opened, "PRAGMA synchronous = FULL", nil, nil, nil) == SQLITE_OK else {
            sqlite3_close_v2(opened)
            return nil
        }
        return opened
    }
}
