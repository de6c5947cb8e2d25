import CloudCore
import QMP

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// QEMU as we start it: from its first instruction as a user that can open nothing of ours, with the files open that it
/// may have. So what it reads in a disk's header leads it nowhere.
struct QEMUProgram: Sendable {
    /// A name looked up in PATH, or an absolute path.
    var program: String
    /// The user, and the group, that it runs as; `nil`: ours, which is no root.
    var uid: UInt32?
    var accelerator: Accelerator

    /// QEMU's sandbox. `spawn=deny` rules out `-daemonize` (it forks), hence `Command.startDetached`.
    static let sandbox = [
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    ]

    /// What writes its process id into the files of its first two arguments and becomes the program of the others, without
    /// another process between. The second puts it into a control group.
    private static let announceThenBecome: StaticString =
        #"umask 077 && echo $$ >"$1" && echo $$ >>"$2" && shift 2 && exec "$@""#
    /// Making a disk larger writes a few of its metadata's clusters.
    private static let resizeLimit = Duration.seconds(60)

    /// Starts it in a session of its own, which outlives us, with `files` as its descriptors 3 and on. Its process id is
    /// in `pidFile`, and it is in the control group `group`, before it runs; what it prints goes to `log`.
    func start(
        _ vector: [String], files: [OpenFile], pidFile: String, group: String?, log: OpenFile
    ) async throws {
        let command = words(vector)
        try await Command(
            script: Self.announceThenBecome,
            [pidFile, GuestGroups.entry(group)] + command
        )
        .startDetached(log: log, files: files)
    }

    /// Runs it to its end, with `files` as its descriptors 3 and on, and returns what it printed, at most 64 KiB. Throws
    /// when it fails or takes longer than `limit`.
    func run(
        _ vector: [String], files: [OpenFile] = [], input: String = "", within limit: Duration
    ) async throws -> String {
        let (toChild, fromChild, errors) = (try OpenFile.pipe(), try OpenFile.pipe(), try OpenFile.pipe())
        try toChild.writer.write(Array(input.utf8))
        let command = words(vector)
        let child = try ChildProcess(
            command[0], Array(command.dropFirst()),
            files: [toChild.reader, fromChild.writer, errors.writer] + files)
        let succeeds = try await child.succeeds(within: limit)
        // Open until here: at the end of its input QEMU would drop what it has not done yet.
        _ = toChild.writer.descriptor
        let output = String(decoding: fromChild.reader.available(), as: UTF8.self)
        guard succeeds == true else {
            let words = String(decoding: errors.reader.available(), as: UTF8.self)
            throw CloudError(
                .internalServerError, "\(program) failed on the host.",
                detail: succeeds == nil ? "\(program) did not end within \(limit)" : "\(words)\(output)")
        }
        return output
    }

    /// Makes a disk that no machine uses as large as that.
    func resize(_ disk: MachineDisk.Opened, to bytes: UInt64) async throws {
        let commands: [QMPValue] = [
            ["execute": "qmp_capabilities"],
            [
                "execute": "block_resize",
                "arguments": ["node-name": .string(QEMUNode.disk), "size": .integer(Int64(bytes))],
            ],
            ["execute": "quit"],
        ]
        let output = try await run(
            ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "none", "-S"]
                + QEMUNode.disk(
                    .init(descriptor: 3, name: "disk"), over: .init(descriptor: 4, name: disk.image.disk)) + [
                    "-chardev", "stdio,id=monitor",
                ] + Self.monitor
                + Self.sandbox,
            files: [disk.disk, disk.base], input: try commands.map { try $0.text + "\n" }.joined(),
            within: Self.resizeLimit)
        guard !output.contains("\"error\"") else {
            throw CloudError(.internalServerError, "The disk could not be made larger.", detail: output)
        }
    }

    /// Of a monitor whose characters come by the chardev `monitor`.
    static let monitor = ["-mon", "chardev=monitor,mode=control"]

    /// The program and its arguments.
    private func words(_ vector: [String]) -> [String] {
        guard let uid else { return [program] + vector }
        let groups = accelerator == .kvm ? Self.kvmGroup().map { "--groups=\($0)" } : nil
        return [
            "setpriv", "--reuid=\(uid)", "--regid=\(uid)", groups ?? "--clear-groups", "--no-new-privs", "--",
            program,
        ] + vector
    }

    /// The group that may use KVM, which a machine's user then has besides its own; `nil`: there is none, or everybody
    /// may. Root's group is none.
    private static func kvmGroup() -> UInt32? {
        var status = stat()
        // Safe: the path is a C string for the call's duration, and the struct is ours.
        guard stat("/dev/kvm", &status) == 0, status.st_mode & 0o006 != 0o006, status.st_mode & 0o060 == 0o060
        else { return nil }
        return status.st_gid == 0 ? nil : status.st_gid
    }
}
