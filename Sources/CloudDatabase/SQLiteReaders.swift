import Synchronization

/// The readers of one file for looks at a few rows. They are opened when they are needed, and closed with the database.
final class SQLiteReaders: Sendable {
    /// Looks at once. One takes microseconds, so there are hardly ever more than processors; each has a cache of its own.
    static let most = 4

    private struct State {
        var free: [SQLiteReader] = []
        var made = 0
        var isClosed = false
    }

    private let path: String
    private let busyTimeoutSeconds: Double
    private let state = Mutex(State())

    init(path: String, busyTimeoutSeconds: Double) {
        self.path = path
        self.busyTimeoutSeconds = busyTimeoutSeconds
    }

    /// What `body` returns, on the caller's thread; `nil` when all readers are in use: a thread that many tasks share must not
    /// wait for one. Throws what `body` throws, and a `DatabaseError`.
    func read<T>(_ body: (any SQLConnection) throws -> T) throws -> T? {
        guard let reader = try take() else { return nil }
        defer { giveBack(reader) }
        return try reader.read(body)
    }

    /// Those in use are closed when they are given back.
    func close() {
        let closed = state.withLock { state in
            state.isClosed = true
            defer { state.free = [] }
            return state.free
        }
        withExtendedLifetime(closed) {}
    }

    private func take() throws -> SQLiteReader? {
        let (reader, mayMake) = state.withLock { state -> (SQLiteReader?, Bool) in
            if let reader = state.free.popLast() { return (reader, false) }
            guard state.made < Self.most, !state.isClosed else { return (nil, false) }
            state.made += 1
            return (nil, true)
        }
        guard mayMake else { return reader }
        do {
            return try SQLiteReader(path: path, busyTimeoutSeconds: busyTimeoutSeconds)
        } catch {
            state.withLock { $0.made -= 1 }
            throw error
        }
    }

    private func giveBack(_ reader: SQLiteReader) {
        state.withLock { state in
            if !state.isClosed { state.free.append(reader) }
        }
    }
}
