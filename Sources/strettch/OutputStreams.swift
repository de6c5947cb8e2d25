import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where output goes: results to standard output, all else to standard error, so that results can be piped.
enum OutputStreams {
    static func result(_ text: String) { write(text + "\n", to: .standardOutput) }

    static func note(_ text: String) { write(text + "\n", to: .standardError) }

    /// Without a line break, for the live line.
    static func progress(_ text: String) { if !text.isEmpty { write(text, to: .standardError) } }

    /// Whether progress is seen on a terminal.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }  // safe: asks the kernel about a number

    /// Whether somebody can be asked.
    static var canAsk: Bool { isTerminal && isatty(STDIN_FILENO) == 1 }  // safe: as above

    /// Width of the terminal, 80 where it does not say.
    static var columns: Int {
        var size = winsize()
        // Safe: writes to the local alone, whose type is the one of this request.
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Asks a yes-or-no question on the terminal; anything but yes is no.
    static func confirm(_ question: String) -> Bool {
        progress(question + " [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }

    private static func write(_ text: String, to file: FileHandle) {
        try? file.write(contentsOf: Data(text.utf8))  // nobody reads any more; there is nowhere to say so
    }
}
