import CloudCore

extension QEMUHost: MovingHost {
    public func moveCertificate() async throws -> String { try await trust.text() }

    var trust: MoveTrust { MoveTrust(folder: "\(settings.dataDirectory)/trust") }

    func monitor(_ id: Int64) -> MachineMonitor { MachineMonitor(socket: directory(id).monitorSocket) }

    func hasProcess(_ id: Int64) throws -> Bool {
        try table.process(of: id, in: directory(id)) != nil
    }

    /// The keys of a machine's next move. A QEMU that has become another user can't look into the data folder.
    func credentials(
        _ id: Int64, as endpoint: MoveCredentials.Endpoint, peer: String
    ) throws(CloudError) -> MoveCredentials {
        let uid = MachineUser.uid(try machineId(id))
        let uuid = MachineUUID(installation: settings.installationId, id: id)
        return MoveCredentials(
            trust: trust, endpoint: endpoint, computeId: id, peer: peer,
            folder: uid == nil ? "\(directory(id).path)/tls" : "\(settings.move.keyFolder)/strettch-\(uuid)",
            gid: uid)
    }

    /// What guests run on here, as far as a guest must not see it change.
    var processor: String {
        switch accelerator.accelerator {
        case .tcg: return "tcg \(version.major).\(version.minor)"
        case .kvm:
            let words = MachineFiles.text("/proc/cpuinfo", limit: 64 << 10) ?? ""
            let lines = words.split(separator: "\n")
            let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last ?? "unknown"
            return "kvm \(model.drop { $0 == " " })"
        }
    }

    /// Throws `CONFLICT` when the machine may not be started here: it is to come, or has gone.
    func checkMayBoot(_ id: Int64) throws(CloudError) {
        let directory = directory(id)
        let mark = [directory.arrival, directory.departure].first(where: MachineFiles.exists)
        guard let mark else { return }
        throw CloudError(
            .conflict, "The compute is being moved to another host. Let the move end, or cancel it.",
            detail: "\(mark) is there")
    }

    static func cannotMove(_ why: String, detail: String? = nil) -> CloudError {
        CloudError(.conflict, "The compute can't be moved: \(why)", detail: detail)
    }
}

extension ReadyImage {
    /// Of its disk, as it was installed; `nil`: unknown.
    var sha256: String? {
        let folder = String(disk.prefix(upTo: disk.lastIndex(of: "/") ?? disk.startIndex))
        return ImageManifest.read(folder: folder)?.files.first { $0.name == ImageManifest.disk }?.sha256
    }
}
