import CloudCore
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Tells other programs on the same database that something was committed, and hears it from them, on a connection and a
/// thread of its own.
///
/// The notification is sent behind the commit and not in it: PostgreSQL lets one transaction at a time commit that
/// notifies, which would take from all of them that they can share a sync. What a crash in between leaves untold is
/// seen by whoever looks by itself, every second.
final class PostgresListener: Sendable {
    private let line: TellLine
    static let channel = "strettch_changes"
    /// How often old rows of `commits` are taken out: by whoever listens, which every program does.
    private static let forgetPause = Duration.seconds(60)

    /// - Parameter onChange: called for each commit of another program, for several at once, and when some may have been
    ///   missed.
    init(_ settings: PostgresSettings, onChange: @escaping @Sendable () -> Void) {
        let line = TellLine()
        self.line = line
        let thread = Thread { Self.work(line, settings, onChange) }
        thread.name = "postgres listener"
        thread.start()
    }

    deinit { line.end() }

    /// Soon, and once for all who ask until then.
    func tell() { line.tell() }

    func end() { line.end() }

    private static func work(
        _ line: TellLine, _ settings: PostgresSettings, _ onChange: @Sendable () -> Void
    ) {
        let reach = PostgresReach()
        while !line.isEnded {
            do {
                let client = try reach.connect(settings)
                try client.run("LISTEN \(channel)")
                // Whatever was told while nobody listened.
                onChange()
                var lastForget = ContinuousClock.now - forgetPause
                while !line.isEnded {
                    try serve(client, line, onChange)
                    guard ContinuousClock.now - lastForget >= forgetPause else { continue }
                    try PostgresCommit.forget(on: client)
                    lastForget = .now
                }
            } catch {
                // Away: the programs find out by themselves until it is back.
                line.pause()
            }
        }
    }

    private static func serve(
        _ client: PostgresClient, _ line: TellLine, _ onChange: @Sendable () -> Void
    ) throws {
        line.wait(for: client.socket)
        if line.takeTold() { try client.run("NOTIFY \(channel)") }
        let own = client.processId
        if try client.notifiers().contains(where: { $0 != own }) { onChange() }
    }
}

/// Wakes a thread that waits for its socket.
private final class TellLine: Sendable {
    private struct State {
        var isTold = false
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

    func tell() {
        let isNew = state.withLock { state in
            defer { state.isTold = true }
            return !state.isTold
        }
        if isNew { wake() }
    }

    func end() {
        state.withLock { $0.isEnded = true }
        wake()
    }

    /// Whether somebody has told something since the last time.
    func takeTold() -> Bool {
        state.withLock { state in
            defer { state.isTold = false }
            return state.isTold
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
