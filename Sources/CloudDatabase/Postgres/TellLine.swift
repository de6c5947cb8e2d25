import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Wakes a thread that waits for its socket.
final class TellLine: Sendable {
    /// Who wants to hear of a channel.
    struct Ear: Sendable {
        var channel: String
        /// With the teams that are told of; `nil`: any may be concerned.
        var call: @Sendable (Set<Int64>?) -> Void
    }

    private struct State {
        var tidings = Tidings()
        var ears: [Ear] = []
        var isEnded = false
    }

    private let state = Mutex(State())
    private let reader: Int32
    private let writer: Int32

    /// How long the thread waits for anything, and between two tries to connect.
    private static let pauseMs: Int32 = 1000

    init() {
        var ends: [Int32] = [-1, -1]
        // Safe: writes the two descriptors into our array. Without any, `poll` leaves -1 alone, and the pause wakes.
        _ = pipe(&ends)
        (reader, writer) = (ends[0], ends[1])
        for end in ends where end >= 0 {
            // Safe: sets flags of descriptors that are ours.
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        // Safe: nobody else knows the descriptors, and the thread that waits by them holds this.
        for end in [reader, writer] where end >= 0 { close(end) }
    }

    var isEnded: Bool { state.withLock { $0.isEnded } }

    var ears: [Ear] { state.withLock { $0.ears } }

    func listen(_ ear: Ear) {
        state.withLock { $0.ears.append(ear) }
        wake()
    }

    func tell(_ tidings: Tidings) {
        let isNew = state.withLock { state in
            defer { state.tidings.add(tidings) }
            return state.tidings.isEmpty
        }
        if isNew { wake() }
    }

    func end() {
        state.withLock { $0.isEnded = true }
        wake()
    }

    /// What was told since the last time.
    func takeTidings() -> Tidings {
        state.withLock { state in
            defer { state.tidings = Tidings() }
            return state.tidings
        }
    }

    /// Returns when `socket` can be read, when something is told, or after a pause.
    func wait(for socket: Int32) { wait([reader, socket]) }

    /// Returns after a pause, or at the end.
    func pause() { wait([reader]) }

    private func wait(_ descriptors: [Int32]) {
        var waits = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // Safe: the array outlives the call, and has as many as the count says.
        _ = poll(&waits, nfds_t(waits.count), Self.pauseMs)
        var bytes = [UInt8](repeating: 0, count: 64)
        // Safe: reads at most as many bytes as there is room for. As often as there are bytes in the pipe.
        while reader >= 0, read(reader, &bytes, bytes.count) > 0 {}
    }

    private func wake() {
        var byte: UInt8 = 1
        // Safe: writes one byte of ours. A full pipe wakes as well.
        _ = write(writer, &byte, 1)
    }
}
