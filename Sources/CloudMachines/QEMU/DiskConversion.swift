import CloudCore
import QMP

/// Makes a disk that stands alone of one that a guest or a stranger has written.
///
/// A QEMU without a machine copies, in a sandbox. It is told the whole graph, each format and each file, which it gets open: so
/// no name in a header leads anywhere, and what is in the new disk is what a guest would have read, without snapshots,
/// compression or encryption.
struct DiskConversion: Sendable {
    /// What is copied.
    enum Source: Sendable {
        case raw(OpenFile)
        case qcow2(OpenFile)
        case overlay(OpenFile, base: OpenFile)
    }

    var source: Source
    /// Bytes of the disk as a guest sees it.
    var bytes: UInt64
    /// The file to be made.
    var target: String
    var program: String
    var sandbox: Sandbox
    /// Where its monitor listens: a path of at most `MachineDirectory.socketPathLimit` bytes.
    var monitor: String
    /// 0: as fast as it goes.
    var bytesPerSecond: Int64 = 0
    /// Throws when it must not go on.
    var mayGoOn: @Sendable () throws -> Void
    var progress: @Sendable (ImageProgress) -> Void

    /// Why it failed, in QEMU's words.
    struct Fault: Error, CustomStringConvertible { var description: String }

    /// As long as the host has for an image, downloads aside (`ImageAction`).
    private static let limit = Duration.seconds(3600)
    private static let startLimit = Duration.seconds(60)
    private static let answerLimit = Duration.seconds(60)
    private static let endLimit = Duration.seconds(10)
    private static let pollInterval = Duration.milliseconds(100)
    private static let job = "copy"

    /// Returns when all is on the disk. Throws `Fault`; whoever is cancelled ends the copy.
    func make() async throws {
        try await MachineFiles.remove(target, as: .dropHalfImage)
        try await Command("qemu-img", ["create", "-q", "-f", "qcow2", target, "\(bytes)"]).run(
            as: .createImage)
        let file = try OpenFile.regular(target, writable: true, isAlone: true)
        let copier = try start(file)
        do {
            try await withTimeout(.seconds(Self.limit.components.seconds), late: late) { try await copy() }
        } catch let error as QMPError {
            await copier.end(within: Self.endLimit)
            if case .refused(_, let words) = error { throw Fault(description: GuestWords.shown(words)) }
            throw Fault(description: copier.words ?? "\(error)")
        } catch {
            await copier.end(within: Self.endLimit)
            throw error
        }
        await copier.end(within: Self.endLimit)
        try await DiskCopy.sync(file)
    }

    private var late: CloudError {
        CloudError(
            .serviceUnavailable, "The disk was not copied within \(Self.limit). Try again with a smaller one."
        )
    }

    /// Our side of what it gets is closed when this returns, so that whatever is left open is its own.
    private func start(_ file: OpenFile) throws -> Copier {
        try? HostFiles.remove(monitor)  // what is left of an attempt that was cut short
        let words = sandbox.words(program, try arguments)
        let (input, errors) = (try OpenFile.pipe(), try OpenFile.pipe())
        let files =
            [input.reader, try OpenFile.null(), errors.writer] + sources + [
                file, try OpenFile.listener(monitor),
            ]
        return Copier(
            child: try ChildProcess(words[0], Array(words.dropFirst()), files: files), input: input.writer,
            errors: errors.reader)
    }

    private var sources: [OpenFile] {
        switch source {
        case .raw(let file), .qcow2(let file): [file]
        case .overlay(let file, let base): [file, base]
        }
    }

    /// What QEMU is started with.
    var arguments: [String] {
        get throws {
            let first = 3
            let target = QEMUNode.Handed(descriptor: first + sources.count, name: "target")
            let handed = sources.indices.map { QEMUNode.Handed(descriptor: first + $0, name: "source") }
            let graph =
                switch source {
                case .raw: try QEMUNode.source(handed[0], format: "raw")
                case .qcow2: try QEMUNode.source(handed[0], format: "qcow2")
                case .overlay: try QEMUNode.source(handed[0], over: handed[1])
                }
            return [
                "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none", "-S",
                "-accel", "tcg,tb-size=1", "-object", "main-loop,id=loop,thread-pool-max=4",
            ] + QEMUProgram.sandbox + graph + (try QEMUNode.target(target)) + [
                "-chardev", "socket,id=monitor,fd=\(first + sources.count + 1),server=on,wait=off",
            ] + QEMUProgram.monitor
        }
    }

    private func copy() async throws {
        try await QMPClient.withConnection(to: monitor, timeout: Self.startLimit) { client in
            try await client.execute(
                "blockdev-backup",
                [
                    "job-id": .string(Self.job), "device": .string(QEMUNode.disk),
                    "target": .string(QEMUNode.target), "sync": .string(sync),
                    "speed": .integer(bytesPerSecond), "on-source-error": "report",
                    "on-target-error": "report", "auto-dismiss": .bool(false),
                ], timeout: Self.answerLimit)
            while try await !isCopied(client) { try await Task.sleep(for: Self.pollInterval) }
            // Lets it write all that it knows of the new disk.
            try await client.execute("job-dismiss", ["id": .string(Self.job)], timeout: Self.answerLimit)
            try await client.execute(
                "blockdev-del", ["node-name": .string(QEMUNode.target)], timeout: Self.answerLimit)
        }
    }

    /// What lies alone has zeros wherever it has nothing, as the new disk has.
    private var sync: String {
        switch source {
        case .raw, .overlay: "full"
        case .qcow2: "top"
        }
    }

    private func isCopied(_ client: QMPClient) async throws -> Bool {
        try mayGoOn()
        let jobs = try await client.execute("query-jobs", timeout: Self.answerLimit).array ?? []
        guard let job = jobs.first else { throw Fault(description: "the copy has gone") }
        if let error = job["error"]?.string { throw Fault(description: error) }
        let (done, total) = (job["current-progress"]?.integer ?? 0, job["total-progress"]?.integer ?? 0)
        progress(.transfer("copying", done, of: max(done, total)))
        return job["status"]?.string == "concluded"
    }
}

/// The process that copies.
private struct Copier: Sendable {
    var child: ChildProcess
    /// Its end is the process's.
    var input: OpenFile
    var errors: OpenFile

    /// What it has printed first, made fit for its owner.
    var words: String? {
        HandedProgram.firstLine(errors.available()).map { line in
            // Its own arguments come before what was wrong with them.
            GuestWords.shown(String(line.split(separator: ": ").last ?? ""))
        }
    }

    /// Ends it, and returns when it is gone. A task of its own waits, since this one may be cancelled.
    func end(within limit: Duration) async {
        _ = await Task {
            try input.write(Array("end\n".utf8))
            return try await child.succeeds(within: limit)  // nil: it was killed
        }.result
    }
}
