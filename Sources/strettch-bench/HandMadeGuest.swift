import CloudMachines
import CloudWire
import Foundation

/// What an administrator would type to get the same guest: QEMU with the argument vector that the program gave it, over
/// a fresh overlay of the same image and a copy of the same seed, on a bridge and tap like the program's.
struct HandMadeGuest: Sendable {
    var folder: String
    /// QEMU's, program included.
    var arguments: [String]
    var image: String
    var diskSize: Int64
    var network: HandMadeNetwork?
    var probe: BannerProbe

    private static let tap = "bench-tap"

    /// Reads all from the running machine of the compute, before that is deleted.
    static func like(_ compute: ComputeWire, data: String, folder: String) async throws -> HandMadeGuest {
        let machine = "\(data)/machines/\(compute.id)"
        try? FileManager.default.removeItem(atPath: folder)  // there is none before the first guest
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: "\(machine)/seed.iso", toPath: "\(folder)/seed.iso")
        let disk = try await DiskFacts.read("\(machine)/disk.qcow2")
        let pid = try String(contentsOfFile: "\(machine)/pid", encoding: .utf8).filter(\.isNumber)
        let vector = try String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
        var arguments = HandMadeArguments.from(
            vector.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init),
            image: disk.image
        ).map { $0.replacing("\(machine)/", with: "\(folder)/") }
        let network = try await HandMadeNetwork.like(&arguments, compute, tap: tap)
        // Another machine than the program's, which must not take it for its own.
        if let index = arguments.firstIndex(of: "-uuid") {
            arguments[index + 1] = UUID().uuidString.lowercased()
        }
        return HandMadeGuest(
            folder: folder, arguments: arguments, image: disk.image, diskSize: disk.size, network: network,
            probe: try BannerProbe(compute))
    }

    /// `kvm` or `tcg`, as in the vector.
    var accelerator: String {
        guard let index = arguments.firstIndex(of: "-accel") else { return "unknown" }
        return arguments[index + 1].split(separator: ",").first.map(String.init) ?? "unknown"
    }

    /// Starts the guest and returns the time from QEMU's start to the banner. Nothing of it runs afterwards.
    func boot(limit: Duration) async throws -> Duration {
        try await prepare()
        let program = ProgramBeside(
            program: arguments[0], arguments: Array(arguments.dropFirst()), log: "\(folder)/qemu.log")
        let clock = ContinuousClock()
        let start = clock.now
        let time = try await program.run {
            try await Lab.poll("the guest's banner, when started by hand", limit: limit) {
                try probe.answers() ? clock.now - start : nil
            }
        }
        try await network?.remove()
        return time
    }

    private func prepare() async throws {
        let disk = "\(folder)/disk.qcow2"
        try await Command(
            "qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image, disk, "\(diskSize)"]
        ).run()
        try await network?.make()
    }
}

/// What a machine's overlay lies over, and how large it is.
struct DiskFacts {
    var image: String
    /// Bytes.
    var size: Int64

    private struct Info: Decodable {
        var backing: String
        var size: Int64

        enum CodingKeys: String, CodingKey {
            case backing = "backing-filename"
            case size = "virtual-size"
        }
    }

    /// `-U`: the disk is in use.
    static func read(_ path: String) async throws -> DiskFacts {
        let text = try await Command("qemu-img", ["info", "-U", "--output=json", path]).run().standardOutput
        let info = try JSONDecoder().decode(Info.self, from: Data(text.utf8))
        return DiskFacts(image: info.backing, size: info.size)
    }
}
