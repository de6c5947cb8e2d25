import CloudCore
import Synchronization

/// Copies of disks that are under way in this process, by the file that each makes. A call begins one and returns; the next
/// looks at it. What a program that has ended was copying is unknown here, and is removed and begun again.
final class HostCopies: Sendable {
    /// How far a copy is.
    enum Look: Sendable {
        case underWay(String)
        /// It is whole, and on the disk.
        case whole
        case failed(CloudError)
    }

    private struct Copy {
        /// Bytes that it may take.
        var bytes: UInt64
        /// `nil`: QEMU copies.
        var task: Task<Void, any Error>?
        var outcome: Result<Void, CloudError>?
    }

    private let all = Mutex<[String: Copy]>([:])

    /// Copies that go on at once: more only make each slower, and guests with them.
    static let mostAtOnce = 4
    private static let pollInterval = Duration.milliseconds(20)

    /// Whether there is room for one more.
    var mayBegin: Bool {
        all.withLock { $0.values.filter { $0.outcome == nil }.count < Self.mostAtOnce }
    }

    /// Bytes that those under way, `path`'s aside, have still to write.
    func bytesToCome(without path: String) -> UInt64 {
        all.withLock { all in
            all.filter { $0.key != path && $0.value.outcome == nil }.reduce(0) { sum, copy in
                let written = DiskGrowth.allocated(copy.key) ?? 0
                return sum + (copy.value.bytes > written ? copy.value.bytes - written : 0)
            }
        }
    }

    /// `nil`: this process does not make that file.
    func look(at path: String) -> Look? {
        all.withLock { all in
            guard let copy = all[path], copy.task != nil else { return nil }
            switch copy.outcome {
            case nil: return .underWay(Self.text(done: DiskGrowth.allocated(path) ?? 0, of: copy.bytes))
            case .success: return .whole
            case .failure(let error): return .failed(error)
            }
        }
    }

    /// For the owner.
    static func text(done: UInt64, of all: UInt64) -> String {
        "copying, \(min(done, all) >> 20) of \(all >> 20) MB"
    }

    /// QEMU makes a file of at most that many bytes.
    func note(_ path: String, bytes: UInt64) {
        all.withLock { if $0[path] == nil { $0[path] = Copy(bytes: bytes) } }
    }

    /// Lets `body`, which makes the file at `path`, run on after this call. It takes at most that many bytes of the disk.
    func begin(
        _ path: String, bytes: UInt64, _ body: @escaping @Sendable () async throws -> Void
    ) {
        all.withLock { all in
            // Unstructured, since it outlives the call that began it; `all` owns it, and `end` ends it.
            let task = Task {
                do {
                    try await body()
                    finish(path, .success(()))
                } catch {
                    finish(path, .failure(error as? CloudError ?? .bug("\(error)")))
                    throw error
                }
            }
            all[path] = Copy(bytes: bytes, task: task)
        }
    }

    private func finish(_ path: String, _ outcome: Result<Void, CloudError>) {
        all.withLock { $0[path]?.outcome = outcome }
    }

    /// Waits until the copy has ended, or for that long.
    func wait(for path: String, within limit: Duration) async throws -> Look? {
        let deadline = ContinuousClock.now + limit
        while case .underWay? = look(at: path), ContinuousClock.now < deadline {
            try await Task.sleep(for: Self.pollInterval)
        }
        return look(at: path)
    }

    /// Ends the copy, if there is one, and returns when nobody writes to the file any more.
    func end(_ path: String) async {
        let task = all.withLock { $0.removeValue(forKey: path)?.task }
        task?.cancel()
        _ = await task?.result
    }

    /// The same for all that make files in a folder.
    func endAll(in folder: String) async {
        let paths = all.withLock { $0.keys.filter { $0.hasPrefix("\(folder)/") } }
        for path in paths { await end(path) }
    }
}
