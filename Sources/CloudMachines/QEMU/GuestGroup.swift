/// One machine's control group, whose name tells what its limits follow from: `guest-7-2c-1024m`. So they can be given
/// again while its guest runs, by a server that knows nothing else of it.
struct GuestGroup: Sendable, Equatable {
    /// What stands for the machine in its UUID.
    var machineId: Int64
    var vcpus: Int
    var memoryMb: Int

    static let prefix = "guest-"
    /// What the names of all groups of a machine begin with.
    static func prefix(of machineId: Int64) -> String { "\(prefix)\(machineId)-" }

    var name: String { "\(Self.prefix(of: machineId))\(vcpus)c-\(memoryMb)m" }

    init(machineId: Int64, vcpus: Int, memoryMb: Int) {
        self.machineId = machineId
        self.vcpus = vcpus
        self.memoryMb = memoryMb
    }

    /// `nil` when the name is none of ours.
    init?(name: String) {
        guard let match = name.wholeMatch(of: /guest-([0-9]+)-([0-9]+)c-([0-9]+)m/),
            let machineId = Int64(match.1), let vcpus = Int(match.2), let memoryMb = Int(match.3)
        else { return nil }
        self.init(machineId: machineId, vcpus: vcpus, memoryMb: memoryMb)
    }
}
