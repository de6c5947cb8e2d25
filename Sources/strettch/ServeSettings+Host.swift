import CloudCore
import CloudDatabase
import CloudMachines
import Foundation

/// What the operator says of the machine that the server works on.
struct HostSettings: Sendable, Equatable {
    /// Unique in the cell. By default the machine's own.
    var name: String
    /// Slug of the one region whose computes it takes; `nil`: of every region.
    var region: String?
    /// The operator's own words for it.
    var labels: [String]
    /// Its address in the network that hosts reach each other by.
    var underlay: String?
    /// Absolute path of a folder that other hosts have too, in which its computes' disks lie; `nil`: in the data folder.
    var disks: String?
    /// The UDP port of the frames between hosts.
    var vxlanPort: Int
    /// The largest IP packet that passes between any two hosts, in bytes.
    var underlayMtu: Int
    /// Whether each guest gets a control group of its own, which the unit must have delegated.
    var guestGroups: Bool
    /// vCPUs given out for each core of the host.
    var vcpuOvercommit: Double
    /// RAM given out for each byte that the host has.
    var memoryOvercommit: Double
    /// Disk given out for each byte that the file system has where the disks lie, but for the reserve (`DiskReserve`): they
    /// take what guests have written.
    var storageOvercommit: Double

    /// Labels at most, and characters of each.
    static let maxLabels = 32
    static let maxLabelLength = 63

    init(_ reader: SettingReader) throws {
        let name = try reader.string("hostName")
        self.name = name.isEmpty ? Self.machineName : name
        let region = try reader.string("region")
        self.region = region.isEmpty ? nil : region
        labels = try Self.labels(try reader.string("labels"))
        underlay = try Self.underlay(try reader.string("underlay"))
        let disks = try reader.string("disks")
        self.disks = disks.isEmpty ? nil : URL(filePath: disks).path
        vxlanPort = try reader.int("vxlanPort")
        underlayMtu = try reader.int("underlayMtu")
        guestGroups = try reader.bool("guestGroups")
        vcpuOvercommit = try reader.double("vcpuOvercommit")
        memoryOvercommit = try reader.double("memoryOvercommit")
        storageOvercommit = try reader.double("storageOvercommit")
    }

    /// What the kernel calls this machine. No name service is asked, which may take its time.
    private static var machineName: String {
        var name = [CChar](repeating: 0, count: HostName.maxLength + 1)
        // Safe: writes at most that many bytes into the local array, whose last byte stays 0.
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func labels(_ text: String) throws -> [String] {
        let labels = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        for label in labels where label.isEmpty || label.count > maxLabelLength {
            throw SettingReader.invalid(
                "labels", label, "1 to \(maxLabelLength) characters between two commas")
        }
        guard labels.count <= maxLabels else {
            throw SettingReader.invalid("labels", text, "at most \(maxLabels) labels, with commas")
        }
        return labels
    }

    private static func underlay(_ text: String) throws -> String? {
        guard !text.isEmpty else { return nil }
        if let address = IPv4Address(text) { return address.description }
        throw SettingReader.invalid(
            "underlay", text, "this machine's address among the hosts, such as 192.0.2.10")
    }

    /// What the host says of itself when it registers. Throws `VALIDATION_ERROR` for a
    /// name that is none, and for a region that the catalogue has not.
    /// - Parameters:
    ///   - folder: the data folder, whose file system has the machines' disks unless `shared` has them.
    ///   - accelerator: how guests are run; `nil` where machines are pretended, which take nothing.
    func facts(
        identity: String, folder: String, shared: SharedDisks? = nil, accelerator: String?,
        catalogue: Catalogue, warm: [WarmGoal] = []
    ) throws -> HostFacts {
        if let problem = HostName.problem(name) {
            throw CloudError.invalid([
                Problem("hostName", "\(problem) Name the host with the setting hostName.")
            ])
        }
        if let region, catalogue.region(region) == nil {
            throw SettingReader.invalid(
                "region", region, "one of \(catalogue.regions.map(\.region).joined(separator: ", "))")
        }
        return HostFacts(
            identity: identity, name: name, region: region,
            capacity: accelerator == nil ? Capacity() : try capacity(shared?.path ?? folder).less(warm),
            accelerator: accelerator, underlay: underlay, store: shared?.name, labels: labels)
    }

    private func capacity(_ folder: String) throws -> Capacity {
        let host = ProcessInfo.processInfo
        let disk = try DiskSpace(at: folder)
        // A file system smaller than the reserve gives out nothing of it.
        let given = Double((disk.size - min(disk.size, DiskReserve(ofFileSystem: disk.size).bytes)) >> 30)
        return Capacity(
            vcpus: max(1, Int(Double(host.activeProcessorCount) * vcpuOvercommit)),
            memoryMb: max(1, Int(Double(host.physicalMemory >> 20) * memoryOvercommit)),
            storageGb: max(1, Int(given * storageOvercommit)))
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
        let goals = try WarmGoal.list(warm, in: catalogue)
        guard !goals.isEmpty, simulated || host.disks != nil else { return goals }
        throw SettingReader.invalid(
            "warm", warm,
            "nothing: pretended machines have no guests to boot, and disks that hosts share are made for their computes"
        )
    }

    /// The folder of the disks that other hosts have too, with its name; `nil`: the host's disks are its own. Throws when
    /// there is nobody to share them with, and what `SharedDisks` throws.
    func sharedDisks(installationId: String) throws -> SharedDisks? {
        guard let path = host.disks else { return nil }
        guard database.connection != nil, !simulated else {
            throw SettingReader.invalid(
                "disks", path,
                "nothing: pretended machines, and those of a server with SQLite, have their disks on one host alone"
            )
        }
        return try SharedDisks(
            path: path, installationId: installationId, newName: DataFolder.randomText())
    }

    static func role(_ text: String) throws -> ServeRole {
        if let role = ServeRole(rawValue: text) { return role }
        throw SettingReader.invalid("role", text, "all, api or worker")
    }

    static func placement(_ text: String) throws -> Placement.Policy {
        if let policy = Placement.Policy(rawValue: text) { return policy }
        throw SettingReader.invalid("placement", text, "spread or pack")
    }
}
