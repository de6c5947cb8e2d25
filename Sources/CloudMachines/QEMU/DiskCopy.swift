import CloudCore

/// A copy of a disk that nobody writes to, by a program of the system's: it shares blocks where the file system can, and
/// leaves out what is empty.
struct DiskCopy: Sendable {
    /// `cp`, or what stands for it in a test.
    var program: String
    var source: OpenFile
    /// The file to be made.
    var path: String

    /// As long as a snapshot may take (`SnapshotAction`).
    private static let limit = Duration.seconds(3600)

    /// Returns when all is on the disk. Whoever is cancelled ends the program.
    func make() async throws {
        let target = try OpenFile.new(path)
        // The program opens both through our own descriptors, so a file that has taken one of the names is not used.
        try await Self.run(
            program, ["--reflink=auto", "--sparse=always", "--", "/proc/self/fd/3", "/proc/self/fd/4"],
            [source, target])
        try await Self.sync(target)
    }

    /// Waits until all of a file is on the disk. A program does, since that can take as long as the copy, and a thread of ours
    /// that waits in the kernel serves nobody else meanwhile.
    static func sync(_ file: OpenFile) async throws {
        try await run("sync", ["--", "/proc/self/fd/3"], [file])
    }

    private static func run(_ program: String, _ arguments: [String], _ files: [OpenFile]) async throws {
        do { try await HandedProgram(program, arguments, files: files).run(within: limit) } catch let fault
            as HandedProgram.Fault
        { throw failure(fault.description) }
    }

    private static func failure(_ detail: String) -> CloudError {
        CloudError(
            .serviceUnavailable,
            "The disk could not be copied on the host. The operator finds the reason in the server's log; its disk may be "
                + "full.", detail: detail)
    }
}
