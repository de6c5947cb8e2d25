import CloudCore
import Logging
import Synchronization

/// The images that are being made in this process, by their ids: the one owner of that work. A call begins it and returns; the
/// next looks at it. What a program that has ended was making is unknown here, and is begun again.
final class ImageWork: Sendable {
    private struct Work {
        var createdAtMs: Int64
        var board: ProgressBoard
        var task: Task<Void, Never>
        /// `nil`: it is under way.
        var outcome: ImageMaking?
    }

    private let all = Mutex<[Int64: Work]>([:])

    /// Images that are made at once; others wait.
    static let mostAtOnce = 8
    private static let pollInterval = Duration.milliseconds(20)

    /// `nil`: this process does not make the image.
    func look(at image: ImageOnHost) -> ImageMaking? {
        all.withLock { all in
            guard let work = all[image.id], work.createdAtMs == image.createdAtMs else { return nil }
            return work.outcome ?? .working(work.board.latest.text)
        }
    }

    /// Whether anything is done for an image of this id.
    func isUnderWay(_ id: Int64) -> Bool { all.withLock { $0[id].map { $0.outcome == nil } ?? false } }

    /// Lets `body` make the image after this call, unless too many others are under way: then nothing happens, and it is to be
    /// asked for again. What `body` throws is why the image can't be made.
    func begin(
        _ image: ImageOnHost, logger: Logger,
        _ body: @escaping @Sendable (ProgressBoard) async throws -> MadeImage
    ) {
        all.withLock { all in
            guard all[image.id] == nil, all.values.filter({ $0.outcome == nil }).count < Self.mostAtOnce
            else { return }
            let board = ProgressBoard(ImageProgress("starting"))
            // Unstructured, since it outlives the call that began it; `all` owns it, and `end` ends it.
            let task = Task {
                do {
                    finish(image, .made(try await body(board)))
                } catch {
                    logger.error(
                        "An image could not be made.",
                        metadata: ["image": "\(image.id)", "error": "\(error)"])
                    finish(image, .failed((error as? CloudError)?.message ?? "\(error)"))
                }
            }
            all[image.id] = Work(createdAtMs: image.createdAtMs, board: board, task: task)
        }
    }

    private func finish(_ image: ImageOnHost, _ outcome: ImageMaking) {
        all.withLock { $0[image.id]?.outcome = outcome }
    }

    /// Waits until the work has ended, or for that long.
    func wait(for image: ImageOnHost, within limit: Duration) async throws -> ImageMaking {
        let deadline = ContinuousClock.now + limit
        while case .working? = look(at: image), ContinuousClock.now < deadline {
            try await Task.sleep(for: Self.pollInterval)
        }
        return look(at: image) ?? .working("waiting for other images on this host")
    }

    /// Ends the work on an image of this id, and returns when nobody makes it any more. How it came out is forgotten.
    func end(_ id: Int64) async {
        let task = all.withLock { $0.removeValue(forKey: id)?.task }
        task?.cancel()
        await task?.value
    }
}

/// Who sends the bytes of an image's file: one at a time.
final class Uploads: Sendable {
    private let writers = Mutex<(next: Int, all: [Int64: Int])>((0, [:]))

    /// The number of the writer; `nil`: there is another.
    func begin(_ id: Int64) -> Int? {
        writers.withLock { writers in
            guard writers.all[id] == nil else { return nil }
            writers.next += 1
            writers.all[id] = writers.next
            return writers.next
        }
    }

    /// Whether the writer may still write: its image may have been removed.
    func isCurrent(_ id: Int64, _ writer: Int) -> Bool { writers.withLock { $0.all[id] == writer } }

    func end(_ id: Int64, _ writer: Int) {
        writers.withLock { if $0.all[id] == writer { $0.all[id] = nil } }
    }

    /// Ends whoever writes to the image.
    func endAll(_ id: Int64) { writers.withLock { $0.all[id] = nil } }
}
