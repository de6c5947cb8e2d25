import NIOCore

/// Runs tasks on a connection's event loop. A request that is read, answered and written on one thread needs none of the
/// hops between threads that cost as much as the rest of a short answer; what waits long (a disk, another process) does so on
/// threads of its own.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
