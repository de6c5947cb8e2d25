/// What a guest prints on its serial line, as `console.log` in its machine's folder. A guest can print without end, also
/// while the server is down, so what it prints goes through a pipe to a program that lives as long as its QEMU and keeps
/// the last one to two pieces of it.
enum ConsoleLog {
    /// Bytes of a piece: the newest goes to `console.log`, and the one before it is `console.log.old`.
    static let pieceBytes = 2 << 20

    /// Reads its standard input to the end. It works in the folder, not by the folder's name, which changes when a guest
    /// that was booted ahead becomes a compute's. `stdbuf` lets each character be there at once.
    private static let script: StaticString = #"""
        umask 077 && cd "$1" || exit
        while stdbuf -o0 head -c "$2" >>console.log && [ "$(wc -c <console.log)" -ge "$2" ]; do
            mv -f console.log console.log.old || exit
        done
        """#

    /// Starts the program for the machine of this folder. What is written into the file that is returned goes to the log;
    /// the program ends when nobody has it open any more.
    static func open(_ directory: MachineDirectory, pieceBytes: Int = pieceBytes) async throws -> OpenFile {
        // There from the start, and our own user's alone.
        _ = try OpenFile.log(directory.consoleLog)
        let pipe = try OpenFile.pipe()
        try await Command(script: script, [directory.path, "\(pieceBytes)"])
            .startDetached(log: directory.qemuLog, input: pipe.reader)
        return pipe.writer
    }
}
