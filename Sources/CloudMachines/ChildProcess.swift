import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A program that we started with the descriptors that it may have, and no others. `Command` is for all that needs none
/// but its standard streams.
struct ChildProcess {
    private var pid: pid_t

    static let pollInterval = Duration.milliseconds(2)
    /// Descriptors of ours that are given to a child are copied to here first, so that none is overwritten by another.
    private static let firstCopy: Int32 = 64

    /// Starts a program, a name looked up in PATH or an absolute path, with `files` as its descriptors 0, 1, 2 and so
    /// on. Throws `.serviceUnavailable` when it can't be started.
    init(_ program: String, _ arguments: [String], files: [OpenFile]) throws(CloudError) {
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for file in files {
            let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, Self.firstCopy)
            guard copy >= 0 else { throw Self.failure(program, errno) }
            copies.append(copy)
        }
        var actions = Actions()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, copy, Int32(number))
        }
        Self.closeOthers(&actions, from: Int32(copies.count))
        var attributes = Attributes()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Self.forgetSignals(&attributes)
        let environment = ChildEnvironment.current().map { "\($0)=\($1)" }
        pid = 0
        // Safe: the arrays of C strings, which end with nil, and the actions live until the call has returned.
        let result = Self.withCStrings([program] + arguments) { arguments in
            Self.withCStrings(environment) {
                posix_spawnp(&pid, program, &actions, &attributes, arguments, $0)
            }
        }
        guard result == 0 else { throw Self.failure(program, result) }
    }

    /// Waits for its end and returns whether it ended with status 0. Kills it, and returns `nil`, when that takes longer
    /// than `limit`.
    func succeeds(within limit: Duration, lookingEvery interval: Duration = pollInterval) async throws
        -> Bool?
    {
        let deadline = ContinuousClock.now + limit
        while true {
            if let status = reap(WNOHANG) { return status == 0 }
            guard ContinuousClock.now < deadline else { break }
            do { try await Task.sleep(for: interval) } catch {
                await end()
                throw error
            }
        }
        await end()
        return nil
    }

    /// Kills it, and returns when it is gone. That can take long where it waits for a disk, so no thread does meanwhile; a task
    /// of its own looks, since this one may be cancelled.
    private func end() async {
        kill(pid, SIGKILL)
        await Task {
            while reap(WNOHANG) == nil { try? await Task.sleep(for: Self.pollInterval) }  // nobody cancels it
        }.value
    }

    /// The status of waitpid(2); `nil`: it has not ended.
    private func reap(_ options: Int32) -> Int32? {
        var status: Int32 = 0
        while true {
            // Safe: writes to the local alone; the child is ours, and nobody else waits for it.
            let result = waitpid(pid, &status, options)
            if result == pid { return status }
            guard result < 0, errno == EINTR else { return result == 0 ? nil : -1 }
        }
    }

    /// A function of the C library since glibc 2.34, which is no part of what Swift sees of it.
    private typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<Actions>, Int32) -> Int32

    /// What we open is closed in a child by itself; this is for what others within this process open. Does nothing where
    /// the C library can't do it.
    private static func closeOthers(_ actions: inout Actions, from first: Int32) {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        // Safe: the type is that of the function in the library's header, spawn.h.
        _ = unsafeBitCast(symbol, to: AddCloseFrom.self)(&actions, first)
    }

    /// A child starts with no signal ignored or blocked.
    private static func forgetSignals(_ attributes: inout Attributes) {
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    private static func failure(_ program: String, _ errno: Int32) -> CloudError {
        CloudError(
            .serviceUnavailable, "\(program) could not be started on the host.",
            detail: "\(program): \(String(cString: strerror(errno)))")
    }

    #if canImport(Glibc)
        private typealias Actions = posix_spawn_file_actions_t
        private typealias Attributes = posix_spawnattr_t
    #else
        private typealias Actions = posix_spawn_file_actions_t?
        private typealias Attributes = posix_spawnattr_t?
    #endif
}
