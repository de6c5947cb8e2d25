import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The control groups (cgroups, version 2) of this host's guests: one for each machine, in the group that the system has
/// delegated to the server's unit.
///
///     UNIT/server           the server itself: a group with groups in it has no processes of its own
///     UNIT/guest-7-2c-512m  a machine's QEMU, which outlives the server there (`GuestGroup`)
struct GuestGroups: Sendable {
    /// The unit's group, as a folder.
    var unit: String
    var accelerator: Accelerator

    /// Where version 2 is mounted.
    static let mount = "/sys/fs/cgroup"
    /// The controllers without which there are no groups.
    static let required = ["cpu", "memory", "pids"]
    /// Those that groups have where the system has them. The unit's ExecStopPost takes back the same.
    static let wanted = required + ["io"]
    private static let serverName = "server"
    private static let limit = 64 << 10
    /// What works in the unit's group may start more while it is moved.
    private static let passes = 10

    /// Makes ready for guests' groups: this process, and whatever else works in the unit's own group by now, goes to the
    /// group `server`, and guests that run get their limits again, which go with the controllers when a unit ends. Can be
    /// repeated. Throws `.serviceUnavailable` with the reason when there can be no groups; then nothing has changed but
    /// that processes may be in `server`.
    ///
    /// - Parameter ownGroup: what `/proc/self/cgroup` says.
    init(
        ownGroup: String, mount: String = Self.mount, pid: Int32 = getpid(), accelerator: Accelerator
    ) throws(CloudError) {
        self.accelerator = accelerator
        let path = try Self.path(ownGroup)
        let folder = mount + path
        let isInServer = path.hasSuffix("/\(Self.serverName)")
        unit = isInServer ? String(folder.dropLast(Self.serverName.count + 1)) : folder
        let present = Self.words("\(unit)/cgroup.controllers")
        let missing = Self.required.filter { !present.contains($0) }
        guard missing.isEmpty else {
            throw Self.unusable(
                "the group \(unit) lacks the controllers \(missing.joined(separator: ", ")): the unit needs Delegate=yes"
            )
        }
        try clearUnit(pid)
        let controllers = Self.wanted.filter(present.contains).map { "+\($0)" }.joined(separator: " ")
        try Self.write(controllers, to: "\(unit)/cgroup.subtree_control")
        for name in try MachineFiles.names(in: unit) where name.hasPrefix(GuestGroup.prefix) {
            // Safe: here and below, the path is a C string for the call's duration. A group with processes stays.
            guard rmdir("\(unit)/\(name)") != 0, let group = GuestGroup(name: name) else { continue }
            try limit(group)
        }
    }

    /// Makes the machine's group, with its limits, and returns its folder: what writes its process id into
    /// `cgroup.procs` there is in it. Can be repeated.
    func make(_ group: GuestGroup) throws(CloudError) -> String {
        let folder = try make(group.name)
        try limit(group)
        return folder
    }

    /// Removes the machine's group. Its processes have ended or are about to: one that is in use after `removeLimit`
    /// stays until the next start.
    func remove(_ machineId: Int64) async throws {
        let names = try? MachineFiles.names(in: unit)  // a machine's end does not hang on it
        let deadline = ContinuousClock.now + Self.removeLimit
        for name in names ?? [] where name.hasPrefix(GuestGroup.prefix(of: machineId)) {
            while rmdir("\(unit)/\(name)") != 0, errno == EBUSY, ContinuousClock.now < deadline {
                try await Task.sleep(for: Self.pollInterval)
            }
        }
    }

    /// What a process writes its id into to be in the group; `nil`: it stays in ours.
    static func entry(_ group: String?) -> String { group.map { "\($0)/cgroup.procs" } ?? "/dev/null" }

    private static let removeLimit = Duration.seconds(1)
    private static let pollInterval = Duration.milliseconds(5)

    private func limit(_ group: GuestGroup) throws(CloudError) {
        let folder = "\(unit)/\(group.name)"
        let limits = GuestGroupLimits(vcpus: group.vcpus, memoryMb: group.memoryMb, accelerator)
        for (name, text, isRequired) in limits.files
        where isRequired || MachineFiles.exists("\(folder)/\(name)") {
            try Self.write(text, to: "\(folder)/\(name)")
        }
    }

    /// What the server started before it had groups is in the unit's own as well, and outlives it.
    private func clearUnit(_ pid: Int32) throws(CloudError) {
        let server = "\(try make(Self.serverName))/cgroup.procs"
        try Self.write("\(pid)", to: server)
        for _ in 0..<Self.passes {
            let others = Self.words("\(unit)/cgroup.procs").subtracting(["\(pid)"])
            guard !others.isEmpty else { return }
            // One that has ended can't be moved. Where another can't be, the controllers are refused, with the reason.
            for other in others { try? Self.write(other, to: server) }
        }
    }

    private func make(_ name: String) throws(CloudError) -> String {
        let folder = "\(unit)/\(name)"
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            throw Self.unusable("\(folder) can't be made: \(String(cString: strerror(errno)))")
        }
        return folder
    }

    /// The path behind `0::`, which version 2 has (cgroups(7)).
    private static func path(_ ownGroup: String) throws(CloudError) -> String {
        let line = ownGroup.split(separator: "\n").first { $0.hasPrefix("0::/") }
        guard let path = line.map({ String($0.dropFirst(3)) }), path != "/", !path.contains("/../") else {
            throw unusable("this process is in no group of version 2 that is a unit's own")
        }
        return path
    }

    private static func words(_ path: String) -> Set<String> {
        Set(
            (MachineFiles.text(path, limit: limit) ?? "").split(whereSeparator: \.isWhitespace).map(
                String.init))
    }

    private static func write(_ text: String, to path: String) throws(CloudError) {
        do { try MachineFiles.tell(path, text) } catch {
            throw unusable("\(path) does not take '\(text)': \(error.detail ?? "")")
        }
    }

    private static func unusable(_ why: String) -> CloudError {
        CloudError(
            .serviceUnavailable,
            "Guests have no control groups on this host. Look at docs/operate.md, Control groups.",
            detail: why)
    }
}
