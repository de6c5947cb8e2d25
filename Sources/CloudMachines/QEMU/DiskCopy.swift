import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

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
    private static let pollInterval = Duration.milliseconds(20)

    /// Returns when all is on the disk. Whoever is cancelled ends the program.
    func make() async throws {
        let target = try OpenFile.new(path)
        let errors = try OpenFile.pipe()
        // Both are opened anew by what we have opened, whatever has their names by now.
        let child = try ChildProcess(
            program, ["--reflink=auto", "--sparse=always", "--", "/proc/self/fd/3", "/proc/self/fd/4"],
            files: [try OpenFile.null(), try OpenFile.null(), errors.writer, source, target])
        let succeeds = try await child.succeeds(within: Self.limit, lookingEvery: Self.pollInterval)
        guard succeeds == true else {
            let words =
                String(decoding: errors.reader.available(), as: UTF8.self)
                .split(whereSeparator: \.isNewline).first.map(String.init) ?? "\(program) did not say why"
            throw Self.failure(succeeds == nil ? "\(program) did not end within \(Self.limit)" : words)
        }
        try Self.sync(target, path)
    }

    /// Waits until all of a file is on the disk.
    static func sync(_ file: OpenFile, _ path: String) throws(CloudError) {
        // Safe: a plain system call on a file of ours.
        guard fsync(file.descriptor) == 0 else {
            throw failure("flush \(path): \(String(cString: strerror(errno)))")
        }
    }

    private static func failure(_ detail: String) -> CloudError {
        CloudError(
            .serviceUnavailable,
            "The disk could not be copied on the host. The operator finds the reason in the server's log; its disk may be "
                + "full.", detail: detail)
    }
}
