import CloudCore
import QMP

/// What is asked of a machine's monitor in a move. Throws `QMPError`.
struct MoveMonitor {
    var monitor: QMPClient

    /// Names of ours within a QEMU.
    enum Name {
        static let credentials = "move-tls"
        static let peer = "move-peer"
        /// The disk of the other side, as this side sees it.
        static let target = "move-target"
        static let job = "move"
        /// The disk of this side, as the other side asks for it.
        static let export = "disk"
    }

    /// The disk as QEMU has it.
    struct Disk: Sendable {
        var node: String
        var bytes: Int64
    }

    /// QEMU connects, and reads keys, before it answers.
    private static let answerLimit = Duration.seconds(10)

    @discardableResult
    func execute(_ command: String, _ arguments: [String: QMPValue] = [:]) async throws -> QMPValue {
        try await monitor.execute(command, arguments, timeout: Self.answerLimit)
    }

    func runState() async throws -> String {
        try await execute("query-status")["status"]?.string ?? ""
    }

    /// The board with its version, as `-machine` takes it.
    func board() async throws -> String {
        let type = try await execute("qom-get", ["path": "/machine", "property": "type"]).string ?? ""
        return type.hasSuffix("-machine") ? String(type.dropLast("-machine".count)) : type
    }

    /// The disk that the guest has. Throws a bug when there is none.
    func disk() async throws -> Disk {
        let all = try await execute("query-block").array ?? []
        // Of a guest that was started before disks were nodes, the device has the name.
        let isDisk = { (block: QMPValue) in
            [block["inserted"]?["node-name"], block["device"]].contains(.string(QEMUNode.disk))
        }
        guard let disk = all.first(where: isDisk)?["inserted"],
            let node = disk["node-name"]?.string, let bytes = disk["image"]?["virtual-size"]?.integer
        else { throw CloudError.bug("a machine's QEMU has no disk") }
        return Disk(node: node, bytes: bytes)
    }

    /// Bytes of the other side's disk; `nil` while it is not connected.
    func targetBytes() async throws -> Int64? {
        let nodes = try await execute("query-named-block-nodes", ["flat": .bool(true)]).array ?? []
        return nodes.first { $0["node-name"]?.string == Name.target }?["image"]?["virtual-size"]?.integer
    }

    func hasObject(_ name: String) async throws -> Bool {
        // QEMU has no such container before its first object.
        guard
            try await execute("qom-list", ["path": "/"]).array?.contains(where: { $0["name"] == "objects" })
                == true
        else { return false }
        let objects = try await execute("qom-list", ["path": "/objects"]).array ?? []
        return objects.contains { $0["name"]?.string == name }
    }

    /// The copy of the disk, if there is one.
    func job() async throws -> DepartureLook.Job? {
        let jobs = try await execute("query-jobs").array ?? []
        return jobs.first { $0["id"]?.string == Name.job }.map {
            DepartureLook.Job(
                status: $0["status"]?.string ?? "", done: $0["current-progress"]?.integer ?? 0,
                total: $0["total-progress"]?.integer ?? 0, error: $0["error"]?.string)
        }
    }

    /// The copy of the memory as QEMU tells of it, this move's or an earlier one's.
    func memory() async throws -> DepartureLook.Memory? {
        let migration = try await execute("query-migrate")
        return migration["status"]?.string.map {
            DepartureLook.Memory(
                status: $0, left: migration["ram"]?["remaining"]?.integer ?? 0,
                total: migration["ram"]?["total"]?.integer ?? 0, error: migration["error-desc"]?.string)
        }
    }

    /// Whether memory is to be copied with this move's keys: set with the copy's begin, and taken back at its end.
    func copiesMemory() async throws -> Bool {
        try await execute("query-migrate-parameters")["tls-creds"]?.string == Name.credentials
    }

    /// Reads keys and the other side's authority. With `sanity-check`, QEMU would want our own authority among those that
    /// are trusted.
    func useCredentials(_ folder: String, as endpoint: MoveCredentials.Endpoint) async throws {
        try await HostEffect.useCredentials.make {
            _ = try await execute(
                "object-add",
                [
                    "qom-type": "tls-creds-x509", "id": .string(Name.credentials), "dir": .string(folder),
                    "endpoint": .string(endpoint.rawValue), "verify-peer": .bool(true),
                    "sanity-check": .bool(false),
                ])
        }
    }

    /// Undoes `useCredentials`, and all that names them.
    func forgetCredentials() async throws {
        for name in [Name.credentials, Name.peer] where try await hasObject(name) {
            try await HostEffect.forgetCredentials.make {
                try await execute(
                    "migrate-set-parameters", ["tls-creds": "", "tls-authz": "", "tls-hostname": ""])
                _ = try await execute("object-del", ["id": .string(name)])
            }
        }
    }

    func resume() async throws { try await HostEffect.resumeGuest.make { _ = try await execute("cont") } }
}

extension MachineMonitor {
    /// Talks to the monitor about a move. One connection at a time is served, so `body` is short. What the monitor
    /// refuses, or fails to answer, is thrown as `SERVICE_UNAVAILABLE`, to be tried again.
    func move<Result: Sendable>(_ body: (MoveMonitor) async throws -> Result) async throws -> Result {
        do {
            return try await QMPClient.withConnection(to: socket) { try await body(MoveMonitor(monitor: $0)) }
        } catch let error as QMPError {
            throw CloudError(
                .serviceUnavailable,
                "The machine's monitor could not do its part of the move; it is tried again.",
                detail: "\(error)")
        }
    }
}
