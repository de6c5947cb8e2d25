import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The control groups (cgroups, version 2) of this host's guests: one for each machine, in the group that the system has
/// delegated to the server's unit.
///
///     UNIT/server     the server itself: a group with groups in it has no processes of its own
///     UNIT/guest-ID   a machine's QEMU, which outlives the server there
struct GuestGroups: Sendable {
    /// The unit's group, as a folder.
    var unit: String

    /// Where version 2 is mounted.
    static let mount = "/sys/fs/cgroup"
    /// The controllers without which there are no groups.
    static let required = ["cpu", "memory", "pids"]
    private static let wanted = required + ["io"]
    private static let serverName = "server"
    private static let limit = 64 << 10

    /// Makes ready for guests' groups: what works in the unit's group by now goes to the group `server` (this process) or
    /// stays in a group of its own (guests). Can be repeated. Throws `.serviceUnavailable` with the reason when there can
    /// be no groups; then nothing has changed but that this process may be in `server`.
    ///
    /// - Parameters:
    ///   - ownGroup: what `/proc/self/cgroup` says.
    ///   - others: processes of guests that may be in the unit's group, from before they had groups, by their machines.
    init(
        ownGroup: String, mount: String = Self.mount, pid: Int32 = getpid(), others: [Int64: [Int32]] = [:]
    ) async throws {
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
        try await enter(Self.serverName, pid: pid)
        for (machineId, pids) in others {
            for pid in pids where Self.words("\(unit)/cgroup.procs").contains("\(pid)") {
                try await enter(Self.name(machineId), pid: pid)
            }
        }
        let controllers = Self.wanted.filter(present.contains).map { "+\($0)" }.joined(separator: " ")
        try Self.write(controllers, to: "\(unit)/cgroup.subtree_control")
        for name in try MachineFiles.names(in: unit) where name.hasPrefix(Self.prefix) {
            // Safe: as in `remove`. A group with processes stays.
            _ = rmdir("\(unit)/\(name)")
        }
    }

    /// Makes the machine's group, with its limits, and returns its folder: what writes its process id into
    /// `cgroup.procs` there is in it. Can be repeated.
    func make(_ machineId: Int64, _ limits: GuestGroupLimits) throws(CloudError) -> String {
        let folder = try make(Self.name(machineId))
        for (name, text, isRequired) in limits.files
        where isRequired || MachineFiles.exists("\(folder)/\(name)") {
            try Self.write(text, to: "\(folder)/\(name)")
        }
        return folder
    }

    /// Removes the machine's group, whose processes have ended. One that is still in use stays until the next start.
    func remove(_ machineId: Int64) {
        // Safe: the path is a C string for the call's duration. What fails is harmless: see above.
        _ = rmdir("\(unit)/\(Self.name(machineId))")
    }

    private static let prefix = "guest-"
    private static func name(_ machineId: Int64) -> String { "\(prefix)\(machineId)" }

    private func enter(_ name: String, pid: Int32) async throws {
        try Self.write("\(pid)", to: "\(try make(name))/cgroup.procs")
    }

    private func make(_ name: String) throws(CloudError) -> String {
        let folder = "\(unit)/\(name)"
        // Safe: the path is a C string for the call's duration.
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
