import CloudCore
import CloudDatabase
import CloudMachines
import Foundation

extension ServeSettings {
    /// What the host says of itself when it registers. Throws `VALIDATION_ERROR` for a
    /// name that is none, and for a region that the catalogue has not.
    /// - Parameters:
    ///   - folder: the data folder, whose file system has the machines' disks unless `shared` has them.
    ///   - accelerator: how guests are run; `nil` where machines are pretended, which take nothing.
    func facts(
        identity: String, folder: String, shared: SharedDisks? = nil, accelerator: String?,
        catalogue: Catalogue, warm: [WarmGoal] = []
    ) throws -> HostFacts {
        let name = self.hostName ?? Self.machineName
        if let problem = HostName.problem(name) {
            throw CloudError.invalid([
                Problem("hostName", "\(problem) Name the host with the setting hostName.")
            ])
        }
        if let region = self.region, catalogue.region(region) == nil {
            throw Self.invalid(
                "region", region, "one of \(catalogue.regions.map(\.region).joined(separator: ", "))")
        }
        return HostFacts(
            identity: identity, name: name, region: self.region,
            capacity: accelerator == nil ? Capacity() : try capacity(shared?.path ?? folder).less(warm),
            accelerator: accelerator, underlay: self.underlay?.description, store: shared?.name,
            labels: self.labels ?? [])
    }

    private func capacity(_ folder: String) throws -> Capacity {
        let host = ProcessInfo.processInfo
        let disk = try DiskSpace(at: folder)
        // A file system smaller than the reserve gives out nothing of it.
        let given = Double((disk.size - min(disk.size, DiskReserve(ofFileSystem: disk.size).bytes)) >> 30)
        return Capacity(
            vcpus: max(1, Int(Double(host.activeProcessorCount) * self.vcpuOvercommit)),
            memoryMb: max(1, Int(Double(host.physicalMemory >> 20) * self.memoryOvercommit)),
            storageGb: max(1, Int(given * self.storageOvercommit)))
    }

    /// What the kernel calls this machine. No name service is asked, which may take its time.
    static var machineName: String {
        var name = [CChar](repeating: 0, count: HostName.maxLength + 1)
        // Safe: writes at most that many bytes into the local array, whose last byte stays 0.
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension Capacity {
    /// What is left for computes beside the guests that are kept booted ahead. Throws `VALIDATION_ERROR` when nothing is.
    func less(_ goals: [WarmGoal]) throws -> Capacity {
        guard !goals.isEmpty else { return self }
        let taken = goals.reduce(Resources()) { $0 + $1.resources }
        let shortages = shortages(of: taken, taken: Resources()).map(\.figures)
        guard shortages.isEmpty else {
            throw CloudError.invalid([
                Problem(
                    "warm",
                    "asks for more than the host has (\(shortages.joined(separator: "; "))). Give fewer guests."
                )
            ])
        }
        return Capacity(
            vcpus: vcpus.map { $0 - taken.vcpus }, memoryMb: memoryMb.map { $0 - taken.memoryMb },
            storageGb: storageGb.map { $0 - taken.storageGb })
    }
}

extension ServeSettings {
    /// What is kept booted ahead. Throws when the settings rule that out, and what `WarmGoal.list` throws.
    func warmGoals(in catalogue: Catalogue) throws -> [WarmGoal] {
        let goals = try WarmGoal.list(self.warm ?? "", in: catalogue)
        guard !goals.isEmpty, self.simulated || self.disks != nil else { return goals }
        throw Self.invalid(
            "warm", self.warm ?? "",
            "nothing: pretended machines have no guests to boot, and disks that hosts share are made for their computes"
        )
    }

    /// The folder of the disks that other hosts have too, with its name; `nil`: the host's disks are its own. Throws when
    /// there is nobody to share them with, and what `SharedDisks` throws.
    func sharedDisks(installationId: String) throws -> SharedDisks? {
        guard let path = self.disks else { return nil }
        guard self.database != nil, !self.simulated else {
            throw Self.invalid(
                "disks", path,
                "nothing: pretended machines, and those of a server with SQLite, have their disks on one host alone"
            )
        }
        return try SharedDisks(
            path: path, installationId: installationId, newName: DataFolder.randomText())
    }
}
