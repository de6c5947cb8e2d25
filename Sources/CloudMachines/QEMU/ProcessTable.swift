import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A process as /proc shows it. The start time tells it from a later process with the same pid.
struct HostProcess: Sendable, Equatable, Codable {
    var pid: Int32
    /// Clock ticks after the host's boot (proc(5), `starttime`).
    var startTicks: UInt64

    /// `nil` when there is no such process.
    init?(pid: Int32) {
        guard let stat = ProcessStat(pid: pid) else { return nil }
        self.pid = pid
        startTicks = stat.startTicks
    }

    /// Whether nothing of it is left that holds a file or a port: it is not there, or a zombie without other threads.
    ///
    /// A killed process may stay a zombie for seconds until init reaps it, and the first thread of a process may be
    /// a zombie while others still close their files.
    var isGone: Bool {
        guard let stat = ProcessStat(pid: pid), stat.startTicks == startTicks else { return true }
        guard stat.isDead else { return false }
        let threads = try? MachineFiles.names(in: "/proc/\(pid)/task")  // it fails once the process is reaped
        return threads.map { $0.count <= 1 } ?? true
    }

    /// Ends it with SIGKILL. Nothing happens when it is gone or another process has its pid by now.
    func end() throws(CloudError) {
        guard !isGone else { return }
        // Safe: a plain system call; the pid was this very process's a moment ago.
        guard kill(pid, SIGKILL) == 0 || errno == ESRCH else {
            throw CloudError(
                .internalServerError, "A machine's process could not be ended.",
                detail:
                    "kill(\(pid)): errno \(errno). The program must run as the user who started the machine.")
        }
    }
}

/// The parts of /proc/PID/stat that we need (proc(5)).
private struct ProcessStat {
    var isDead: Bool
    var startTicks: UInt64

    /// `nil` when there is no such process.
    init?(pid: Int32) {
        guard let text = MachineFiles.text("/proc/\(pid)/stat", limit: 4096),
            // The name in brackets may hold anything, brackets and spaces too.
            let bracket = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        // Counted from 1, `state` is field 3 and `starttime` field 22.
        guard fields.count > 19, let startTicks = UInt64(fields[19]) else { return nil }
        isDead = fields[0] == "Z" || fields[0] == "X"
        self.startTicks = startTicks
    }
}

/// The QEMU processes of one installation, found by their user and the UUID on their command line, so that a pid that
/// another program has by now is never taken for ours.
struct ProcessTable: Sendable {
    var installation: String
    /// Our folder, whose marks say whose the guests are that were booted ahead.
    var data: String

    /// The longest command line, in bytes, that is looked at. Ours have 2 KB.
    private static let commandLineLimit = 64 << 10

    /// A machine's process: the pidfile's if that is it, else the first in /proc.
    func process(of id: Int64, in directory: MachineDirectory) throws(CloudError) -> HostProcess? {
        let text = MachineFiles.text(directory.pidFile, limit: 32)
        if let text, let pid = Int32(text.filter(\.isNumber)), let known = machineId(pid),
            let process = HostProcess(pid: pid)
        {
            if known == id { return process }
            if known > MachineUUID.firstWarm, try WarmMark.read(directory)?.machineId == known {
                return process
            }
        }
        return try processes(of: id).first
    }

    /// All processes of computes, by compute. Looks at every process of the host.
    func all() throws(CloudError) -> [Int64: [HostProcess]] {
        try everything().filter { $0.key < MachineUUID.firstWarm }
    }

    /// The numbers of the guests that are booted ahead and nobody's yet, by their processes. Looks at every process of the
    /// host.
    func warmNumbers() throws(CloudError) -> Set<Int64> {
        Set(try everything().keys.filter { $0 > MachineUUID.firstWarm }.map { $0 - MachineUUID.firstWarm })
    }

    /// All processes of one machine. Looks at every process of the host.
    func processes(of id: Int64) throws(CloudError) -> [HostProcess] { try everything()[id] ?? [] }

    /// Those of guests that are booted ahead and nobody's yet stand by the id that is theirs until then
    /// (`WarmMark.machineId`).
    private func everything() throws(CloudError) -> [Int64: [HostProcess]] {
        var found = try byMachine()
        guard found.keys.contains(where: { $0 > MachineUUID.firstWarm }) else { return found }
        for (warm, id) in try taken() {
            guard let processes = found.removeValue(forKey: warm) else { continue }
            found[id, default: []] += processes
        }
        return found
    }

    /// All processes by what stands for their machines. Looks at every process of the host.
    func byMachine() throws(CloudError) -> [Int64: [HostProcess]] {
        let pids = try MachineFiles.names(in: "/proc").compactMap { Int32($0) }
        var found: [Int64: [HostProcess]] = [:]
        for pid in pids {
            guard let id = machineId(pid), let process = HostProcess(pid: pid) else { continue }
            found[id, default: []].append(process)
        }
        return found
    }

    /// The computes that have taken guests which were booted ahead, by the id that those had until then.
    private func taken() throws(CloudError) -> [Int64: Int64] {
        var taken: [Int64: Int64] = [:]
        for id in try MachineFiles.names(in: MachineDirectory.all(data)).compactMap({ Int64($0) }) {
            if let mark = WarmMark.readable(MachineDirectory(data: data, id: id)) {
                taken[mark.machineId] = id
            }
        }
        return taken
    }

    /// The id in the process's UUID, if it is a machine's process. A zombie has no command line and is none of ours; and
    /// anybody may write a UUID into a command line: only what runs as the machine's own user is that machine.
    private func machineId(_ pid: Int32) -> Int64? {
        guard let text = MachineFiles.text("/proc/\(pid)/cmdline", limit: Self.commandLineLimit) else {
            return nil
        }
        let words = text.split(separator: "\0", omittingEmptySubsequences: false)
        guard let index = words.firstIndex(of: "-uuid"), index + 1 < words.count,
            let id = MachineUUID.id(words[index + 1], installation: installation)
        else { return nil }
        return ProcessOwner(pid: pid)?.mayRun(as: MachineUser.uid(id)) == true ? id : nil
    }
}
