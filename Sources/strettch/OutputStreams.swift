import CloudCore
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where output goes: results to standard output, all else to standard error, so that results can be piped.
enum OutputStreams {
    /// Prints a result. Throws `OutputFailure` when it can't be written: a command whose result is lost has failed.
    static func result(_ text: String) throws(OutputFailure) { try send(text + "\n", to: STDOUT_FILENO) }

    static func note(_ text: String) { progress(text + "\n") }

    /// Without a line break, for the live line.
    static func progress(_ text: String) {
        try? send(text, to: STDERR_FILENO)  // nobody reads standard error; there is nowhere to say so
    }

    /// Whether progress is seen on a terminal.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }  // safe: asks the kernel about a number

    /// Whether results are seen on a terminal, and kept nowhere.
    static var showsResults: Bool { isatty(STDOUT_FILENO) == 1 }  // safe: as above

    /// Whether somebody can be asked.
    static var canAsk: Bool { isTerminal && isatty(STDIN_FILENO) == 1 }  // safe: as above

    /// Width of the terminal, 80 where it does not say.
    static var columns: Int {
        var size = winsize()
        // Safe: writes to the local alone, whose type is the one of this request.
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Asks a yes-or-no question on the terminal, unless `yes` says that nothing is to be asked, or nobody can be asked. Throws
    /// `CommandFailure` for any answer but yes.
    /// - Parameter refused: what the failure says: `Nothing was changed.`
    static func confirm(_ question: String, yes: Bool, refused: String) throws(CommandFailure) {
        guard !yes, canAsk else { return }
        progress(question + " [y/N] ")
        guard ["y", "yes"].contains(readLine()?.lowercased() ?? "") else {
            throw CommandFailure(.failure, refused)
        }
    }

    /// Makes a failure to write an error of the call, also where standard output is closed. To be called before any file is
    /// opened: a file that got the number of a closed stream would have the output written into it.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)  // safe: a write to a pipe without a reader then answers EPIPE
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            // Safe: gets the lowest free number, which is this one. Opened the wrong way round, it can't be read or written,
            // except for standard error, whose loss nobody could be told of.
            _ = open("/dev/null", descriptor == STDOUT_FILENO ? O_RDONLY : O_WRONLY)
        }
    }

    /// Writes all of it, however many calls that takes.
    private static func send(_ text: String, to descriptor: Int32) throws(OutputFailure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // Safe: reads no further than the buffer's end.
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            let error = errno
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if error == EAGAIN {
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wait, 1, -1)  // safe: one entry, which is ours; returns when the reader has made room
            } else if error != EINTR {
                throw OutputFailure(errorNumber: error)
            }
        }
    }
}

/// Standard output could not be written.
struct OutputFailure: Error, Equatable {
    var errorNumber: Int32

    /// Whether the reader has gone, as `head` does when it has enough. Nobody is there to be told.
    var isReaderGone: Bool { errorNumber == EPIPE }

    /// The system's words.
    var reason: String { String(cString: strerror(errorNumber)) }  // safe: the C text is copied at once

    var message: String {
        "Standard output can't be written (\(reason)), so the result is lost. What the "
            + "command changed is changed; show it again with output that can be written."
    }
}
