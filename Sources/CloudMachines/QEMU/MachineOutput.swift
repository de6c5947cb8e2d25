import CloudCore

/// What a machine prints: its guest on the serial line, as `console.log` in the machine's folder, and its QEMU, as
/// `qemu.log`. Either can print without end, also while the server is down, so it goes through pipes to a program that
/// lives as long as the QEMU and keeps the last one to two pieces of each.
struct MachineOutput {
    let console: OpenFile
    let qemu: OpenFile
    /// Comes to its end with the program.
    let end: OpenFile

    /// Bytes of a piece: the newest goes to `console.log`, and the one before it is `console.log.old`.
    static let pieceBytes = 2 << 20
    /// From the end of whoever prints until all that it printed is in the logs.
    private static let endLimit = Duration.seconds(10)
    private static let pollInterval = Duration.milliseconds(5)

    /// Reads both to their ends. It works in the folder, not by the folder's name, which changes when a guest that was
    /// booted ahead becomes a compute's. `stdbuf` lets each character be there at once. Neither half has the other's pipe
    /// open, so that nobody who prints waits for one that has ended.
    private static let script: StaticString = #"""
        umask 077 && echo $$ >>"$3" && cd "$1" || exit
        piece=$2
        keep() {
            while stdbuf -o0 head -c "$piece" >>"$1" && [ "$(wc -c <"$1")" -ge "$piece" ]; do
                mv -f "$1" "$1.old" || exit
            done
        }
        keep qemu.log <&3 3<&- &
        exec 3<&-
        keep console.log
        wait
        """#

    /// Starts the program for the machine of this folder, in the control group `group`. What is written into the files
    /// goes to the logs; the program ends when nobody has them open any more.
    static func open(
        _ directory: MachineDirectory, group: String?, pieceBytes: Int = pieceBytes
    ) async throws -> MachineOutput {
        // There from the start, and our own user's alone.
        for path in [directory.consoleLog, directory.qemuLog] { _ = try OpenFile.log(path) }
        let (console, qemu, end) = (try OpenFile.pipe(), try OpenFile.pipe(), try OpenFile.pipe())
        try await Command(script: script, [directory.path, "\(pieceBytes)", GuestGroups.entry(group)])
            .startDetached(
                log: try OpenFile.log(directory.qemuLog), input: console.reader,
                files: [qemu.reader, end.writer])
        return MachineOutput(console: console.writer, qemu: qemu.writer, end: end.reader)
    }

    /// Waits until all that was printed is in the logs, when whoever prints has ended.
    static func wait(_ end: OpenFile) async throws {
        let deadline = ContinuousClock.now + endLimit
        while !end.isAtEnd, ContinuousClock.now < deadline { try await Task.sleep(for: pollInterval) }
    }
}
